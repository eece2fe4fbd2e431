import { relative, sep } from 'node:path';
import type { Effects } from '../config/effects.ts';
import { InterruptedError, MeetupError } from '../config/errors.ts';
import { sentenceOf } from '../config/explain.ts';
import type { Paths } from '../config/paths.ts';
import { logBuild } from '../engine/build-log.ts';
import type { EngineClient } from '../engine/client.ts';
import { ABSENT, contentOf } from '../engine/project-files.ts';
import type { AffectedAnswer, AffectedRequest, EngineEvent } from '../engine/protocol.ts';
import { isTest, isThere, verdictOf } from '../engine/results.ts';
import { load } from '../ingest/load.ts';
import { firstFew } from '../text/first-few.ts';
import { withWriteLock } from '../warehouse/lock.ts';
import { publish } from '../warehouse/publish.ts';
import type { WatchEvent } from './events.ts';

export interface LoopOptions {
  readonly paths: Paths;
  readonly maxRejected: number;
  readonly maxGone?: number;
  readonly emit: (event: WatchEvent) => void;
  /** Called with the folders that dbt searches, once a build has resolved them. */
  readonly onFolders?: (folders: readonly string[]) => void;
}

/** The next build: everything that was requested and isn't done yet. */
interface Work {
  files: Set<string>;
  request: AffectedRequest;
  /** Clock reading in milliseconds at the first request. */
  since: number;
}

/**
 * Turns changes into builds, one after the other:
 *
 *               request                     request: cancels the build
 *   ┌──────┐ ──────────▶ ┌──────────┐ ──────────────────────────────▶ ┌────────────┐
 *   │ idle │             │ building │                                 │ cancelling │ ◀─┐ request:
 *   └──────┘ ◀────────── └──────────┘ ◀────────────────────────────── └────────────┘ ──┘ queued
 *             done: reports          ended: its changes and the
 *             the outcome            new ones are built next
 *
 * Nodes that a cancelled build finished stay built. If the build ended before the cancellation reached it, its outcome is
 * reported, and only the new changes are built. In every state, unreadable files, failed builds and a lost engine are
 * reported with `done`; only the end of the command leaves the loop.
 */
export class WatchLoop {
  readonly #engine: EngineClient;
  readonly #options: LoopOptions;
  readonly #effects: Effects;
  readonly #contents = new Map<string, string>();
  /** Unique ids: what the last build ran, every test that ever ran, and what currently fails. */
  readonly #known = { all: new Set<string>(), tests: new Set<string>(), failing: new Set<string>() };
  #waiting: Work | undefined;
  #current: AbortController | undefined;
  #running: Promise<void> | undefined;

  constructor(engine: EngineClient, options: LoopOptions, effects: Effects) {
    this.#engine = engine;
    this.#options = options;
    this.#effects = effects;
  }

  /** Records the files' contents, so that only later changes count. */
  startFrom(files: readonly string[]): void {
    for (const file of files) this.#hasChanged(file);
  }

  /** Requests a build for those of the touched files whose content has changed; none if there are no such files. */
  changed(files: readonly string[]): void {
    const edited = files.filter((file) => this.#hasChanged(file));
    if (edited.length > 0) this.#ask(edited, {});
  }

  /** Handles a key that requests a build without any change. */
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
      const done = await this.#build(work, this.#current.signal);
      this.#current = undefined;
      if (!done) this.#requeue(work);
    }
  }

  /** Adds the work of a cancelled build to the next one. */
  #requeue(work: Work): void {
    this.#waiting ??= work;
    const next = this.#waiting;
    for (const file of work.files) next.files.add(file);
    next.request = {
      ...work.request,
      ...next.request,
      again: [...(work.request.again ?? []), ...(next.request.again ?? [])],
    };
  }

  /** @returns false if a newer change cancelled it. */
  async #build(work: Work, signal: AbortSignal): Promise<boolean> {
    const { emit, paths } = this.#options;
    const files = [...work.files];
    emit({ event: 'change', files: files.map((file) => this.#shown(file)) });
    try {
      if (files.some((file) => this.#isData(file))) await this.#load();
      await withWriteLock(paths, this.#effects, async () => {
        const built = await this.#engine.affected(
          { target: 'dev', ...work.request, files: files.filter((file) => !this.#isData(file)) },
          { signal, onEvent: (event) => this.#emitNode(event) },
        );
        await logBuild(paths, {
          answer: built,
          why: whyOf(files.map((file) => this.#shown(file))),
          ms: this.#effects.clock.elapsed() - work.since,
          endedAt: this.#effects.clock.now(),
        });
        if (built.inputs !== undefined) this.#options.onFolders?.(built.inputs.folders);
        if (isWhole(built)) await publish(paths);
        // Before the lock is released: preparing the next working database takes time that nobody should wait for.
        this.#emitDone(built, work);
      });
      return true;
    } catch (error) {
      if (error instanceof InterruptedError) {
        if (!this.#effects.signal.aborted) emit({ event: 'superseded' });
        return false;
      }
      this.#emitDone(undefined, work, sentenceOf(error));
      return true;
    }
  }

  async #load(): Promise<void> {
    const { report } = await load({ ...this.#options, publishes: false, optional: true }, this.#effects);
    const refused = report.batches.find((batch) => batch.status === 'refused')?.message;
    this.#options.emit({
      event: 'load',
      status: report.status,
      ...(refused === undefined ? {} : { message: refused }),
    });
    if (refused !== undefined) throw new MeetupError(refused, { exitCode: 1 });
  }

  #emitNode(event: EngineEvent): void {
    const { emit } = this.#options;
    if (event.event === 'started') emit({ event: 'started', name: event.name, kind: event.resourceType });
    if (event.event === 'finished') emit({ event: isTest(event) ? 'test' : 'model', ...verdictOf(event) });
  }

  #emitDone(answer: AffectedAnswer | undefined, work: Work, error?: string): void {
    const { emit } = this.#options;
    if (answer !== undefined) this.#remember(answer);
    for (const problem of answer?.problems ?? []) emit({ event: 'problem', problem });
    emit({
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
    return [paths.data, paths.schemas].some((folder) => file.startsWith(folder + sep));
  }

  #shown(file: string): string {
    const inside = relative(this.#options.paths.root, file);
    return inside.startsWith('..') ? file : inside;
  }

  /**
   * Compares content, since format-on-save writes twice and touching changes nothing. Data is large, and `load` compares it
   * itself.
   */
  #hasChanged(file: string): boolean {
    if (this.#isData(file) && !file.startsWith(this.#options.paths.schemas + sep)) return true;
    const content = contentOf(file);
    if ((this.#contents.get(file) ?? ABSENT) === content) return false;
    this.#contents.set(file, content);
    return true;
  }
}

/** Why a build ran, in a few words. */
function whyOf(files: readonly string[]): string {
  const { shown, more } = firstFew(files);
  if (shown.length === 0) return 'a key was pressed';
  return `${shown.join(', ')}${more === 0 ? '' : ` and ${more} more`}`;
}

/** Whether to publish: only if no model failed or was skipped. */
function isWhole(answer: AffectedAnswer): boolean {
  return answer.status !== 'invalid' && answer.nodes.every((node) => isTest(node) || isThere(node));
}
