import { relative, sep } from 'node:path';
import type { Effects } from '../config/effects.ts';
import { InterruptedError, MeetupError } from '../config/errors.ts';
import { sentenceOf } from '../config/explain.ts';
import type { Paths } from '../config/paths.ts';
import type { EngineClient } from '../engine/client.ts';
import { ABSENT, contentOf } from '../engine/project-files.ts';
import type { AffectedAnswer, AffectedRequest, EngineEvent } from '../engine/protocol.ts';
import { isTest, isThere, verdictOf } from '../engine/results.ts';
import { load } from '../ingest/load.ts';
import { withWriteLock } from '../warehouse/lock.ts';
import { publish } from '../warehouse/publish.ts';
import type { WatchEvent } from './events.ts';

export interface LoopOptions {
  readonly paths: Paths;
  readonly maxRejected: number;
  readonly tell: (event: WatchEvent) => void;
  /** Called with the folders that dbt searches, as a build found them. */
  readonly onFolders?: (folders: readonly string[]) => void;
}

/** What is to be done next: everything that was asked for and is not done yet, in one. */
interface Work {
  files: Set<string>;
  request: AffectedRequest;
  /** Clock reading in milliseconds at the first of it. */
  since: number;
}

/**
 * Turns changes into builds, one after the other:
 *
 *               asked                       asked: cancels the build
 *   ┌──────┐ ──────────▶ ┌──────────┐ ──────────────────────────────▶ ┌────────────┐
 *   │ idle │             │ building │                                 │ cancelling │ ◀─┐ asked: one
 *   └──────┘ ◀────────── └──────────┘ ◀────────────────────────────── └────────────┘ ──┘ more change
 *             done: tells            ended: what it was for and what
 *             what came out          was asked since is built next
 *
 * What a cancelled build finished stays done. Where it was over before the cancel reached it, its outcome is told, and only
 * what was asked since is built. In every state a file that can't be read, a build that fails and an engine that is lost
 * are told with `done`; nothing but the end of the command leaves the loop.
 */
export class WatchLoop {
  readonly #engine: EngineClient;
  readonly #options: LoopOptions;
  readonly #effects: Effects;
  readonly #contents = new Map<string, string>();
  /** Unique ids: what the last build ran, every test that ever ran, and what fails now. */
  readonly #known = { all: new Set<string>(), tests: new Set<string>(), failing: new Set<string>() };
  #waiting: Work | undefined;
  #current: AbortController | undefined;
  #running: Promise<void> | undefined;

  constructor(engine: EngineClient, options: LoopOptions, effects: Effects) {
    this.#engine = engine;
    this.#options = options;
    this.#effects = effects;
  }

  /** The files as they are now are what the first build is made from. */
  startFrom(files: readonly string[]): void {
    for (const file of files) this.#isNews(file);
  }

  /** Files that were touched; those whose content is what it was are left out, and a batch of nothing else is none. */
  changed(files: readonly string[]): void {
    const really = files.filter((file) => this.#isNews(file));
    if (really.length > 0) this.#ask(really, {});
  }

  /** A key that asks for a build without a change. */
  pressed(key: 'all' | 'tests' | 'failing' | 'again'): void {
    const { all, tests, failing } = this.#known;
    if (key === 'all') this.#ask([], { everything: true });
    else this.#ask([], { again: key === 'tests' ? [...tests] : key === 'failing' ? [...failing] : [...all] });
  }

  /** Resolves when nothing is left to do. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  #ask(files: readonly string[], request: AffectedRequest): void {
    const waiting = this.#waiting ?? { files: new Set<string>(), request: {}, since: this.#effects.clock.elapsed() };
    for (const file of files) waiting.files.add(file);
    waiting.request = {
      ...waiting.request,
      ...request,
      again: [...(waiting.request.again ?? []), ...(request.again ?? [])],
    };
    this.#waiting = waiting;
    this.#current?.abort();
    this.#running ??= this.#work().finally(() => {
      this.#running = undefined;
    });
  }

  async #work(): Promise<void> {
    for (let work = this.#waiting; work !== undefined && !this.#effects.signal.aborted; work = this.#waiting) {
      this.#waiting = undefined;
      this.#current = new AbortController();
      const done = await this.#one(work, this.#current.signal);
      this.#current = undefined;
      if (!done) this.#takeUpAgain(work);
    }
  }

  /** A build that was cut off is part of the one that follows. */
  #takeUpAgain(work: Work): void {
    this.#waiting ??= work;
    const next = this.#waiting;
    for (const file of work.files) next.files.add(file);
    next.request = {
      ...work.request,
      ...next.request,
      again: [...(work.request.again ?? []), ...(next.request.again ?? [])],
    };
  }

  /** @returns false if a newer change cut it off. */
  async #one(work: Work, signal: AbortSignal): Promise<boolean> {
    const { tell, paths } = this.#options;
    const files = [...work.files];
    tell({ event: 'change', files: files.map((file) => this.#shown(file)) });
    try {
      if (files.some((file) => this.#isData(file))) await this.#load();
      await withWriteLock(paths, this.#effects, async () => {
        const built = await this.#engine.affected(
          { target: 'dev', ...work.request, files: files.filter((file) => !this.#isData(file)) },
          { signal, onEvent: (event) => this.#tellNode(event) },
        );
        if (built.inputs !== undefined) this.#options.onFolders?.(built.inputs.folders);
        if (isWhole(built)) await publish(paths);
        // Now, and not when the lock is given back: until then the next working file is made, which nobody waits for.
        this.#tellDone(built, work);
      });
      return true;
    } catch (error) {
      if (error instanceof InterruptedError) {
        if (!this.#effects.signal.aborted) tell({ event: 'superseded' });
        return false;
      }
      this.#tellDone(undefined, work, sentenceOf(error));
      return true;
    }
  }

  async #load(): Promise<void> {
    const { report } = await load({ ...this.#options, publishes: false }, this.#effects);
    const refused = report.batches.find((batch) => batch.status === 'refused')?.message;
    this.#options.tell({
      event: 'load',
      status: report.status,
      ...(refused === undefined ? {} : { message: refused }),
    });
    if (refused !== undefined) throw new MeetupError(refused, { exitCode: 1 });
  }

  #tellNode(event: EngineEvent): void {
    const { tell } = this.#options;
    if (event.event === 'started') tell({ event: 'started', name: event.name, kind: event.resourceType });
    if (event.event === 'finished') tell({ event: isTest(event) ? 'test' : 'model', ...verdictOf(event) });
  }

  #tellDone(answer: AffectedAnswer | undefined, work: Work, error?: string): void {
    const { tell } = this.#options;
    if (answer !== undefined) this.#remember(answer);
    for (const problem of answer?.problems ?? []) tell({ event: 'problem', problem });
    tell({
      event: 'done',
      status: answer?.status === 'pass' ? 'pass' : 'fail',
      ms: Math.round(this.#effects.clock.elapsed() - work.since),
      built: (answer?.nodes ?? []).filter((node) => !isTest(node) && node.status === 'success').map(({ name }) => name),
      spared: (answer?.spared ?? []).filter((node) => !isTest(node)).map(({ name }) => name),
      unchanged: (answer?.unchanged ?? []).map(({ name }) => name),
      removed: answer?.removed ?? [],
      failing: (answer?.failing ?? []).map(({ name }) => name),
      ...(error === undefined ? {} : { error }),
    });
  }

  #remember(answer: AffectedAnswer): void {
    const { all, tests, failing } = this.#known;
    all.clear();
    failing.clear();
    for (const node of answer.nodes) all.add(node.uniqueId);
    for (const node of [...answer.nodes, ...answer.spared].filter(isTest)) tests.add(node.uniqueId);
    for (const node of answer.failing) failing.add(node.uniqueId);
  }

  #isData(file: string): boolean {
    const { paths } = this.#options;
    return file.startsWith(paths.data + sep);
  }

  #shown(file: string): string {
    const inside = relative(this.#options.paths.root, file);
    return inside.startsWith('..') ? file : inside;
  }

  /** Format-on-save writes twice and touches change nothing: content decides. Data is large, and `load` looks for itself. */
  #isNews(file: string): boolean {
    if (this.#isData(file) && !file.startsWith(this.#options.paths.schemas + sep)) return true;
    const content = contentOf(file);
    if ((this.#contents.get(file) ?? ABSENT) === content) return false;
    this.#contents.set(file, content);
    return true;
  }
}

/** Readers see what was built only where no model failed or was skipped. */
function isWhole(answer: AffectedAnswer): boolean {
  return answer.status !== 'invalid' && answer.nodes.every((node) => isTest(node) || isThere(node));
}
