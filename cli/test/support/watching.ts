import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { projectRoot } from '../../src/config/paths.ts';
import { processTree } from './process-tree.ts';

const eventSchema = z.looseObject({ event: z.string(), name: z.string().optional(), status: z.string().optional() });
export type WatchEvent = z.infer<typeof eventSchema>;

const doneSchema = z.object({
  event: z.literal('done'),
  status: z.enum(['pass', 'fail']),
  ms: z.number(),
  built: z.array(z.string()),
  spared: z.array(z.string()),
  unchanged: z.array(z.string()),
  removed: z.array(z.string()),
  failing: z.array(z.string()),
  error: z.string().optional(),
});
export type Done = z.infer<typeof doneSchema>;

/** How long a change may take on a loaded machine (milliseconds). */
const PATIENCE_MS = 60_000;

/** The outcome of a change. */
export interface Outcome {
  /** Time from when the change was on disk until the result (milliseconds). */
  readonly ms: number;
  readonly done: Done;
  /** All events since the change. The last one is `done`. */
  readonly events: readonly WatchEvent[];
  /** Names of the tests that ran. */
  readonly tests: readonly string[];
}

/** A real `./meetup dev --watch --json` on a project folder. */
export class Watching {
  readonly child: ChildProcess;
  readonly #project: string;
  #events: WatchEvent[] = [];
  readonly #all: WatchEvent[] = [];
  #lastDone: Done | undefined;
  #lastEventAt = performance.now();
  #await: ((outcome: { done: Done; events: WatchEvent[]; at: number }) => void) | undefined;
  #stderr = '';
  readonly ready: Promise<void>;

  /** @param command the program, if it is not the checkout's. */
  constructor(
    project: string,
    stateDir: string,
    args: readonly string[] = [],
    command: string = join(projectRoot, 'meetup'),
  ) {
    this.#project = project;
    this.child = spawn(command, ['dev', '--watch', '--json', '--state-dir', stateDir, ...args], {
      env: {
        ...process.env,
        MEETUP_PROJECT_DIR: project,
        MEETUP_TOOLCHAIN_DIR: process.env.MEETUP_TOOLCHAIN_DIR ?? join(projectRoot, '.meetup/toolchain'),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    if (this.child.stdout === null) throw new Error('the watch has no stdout');
    const lines = createInterface(this.child.stdout);
    this.ready = new Promise((resolve, reject) => {
      this.child.once('exit', (code) => reject(new Error(`the watch ended with ${code}:\n${this.#stderr}`)));
      lines.on('line', (line) => {
        const event = eventSchema.parse(JSON.parse(line));
        this.#events.push(event);
        this.#all.push(event);
        this.#lastEventAt = performance.now();
        if (event.event === 'ready') resolve();
        if (event.event === 'done') this.#finish(doneSchema.parse(event));
      });
    });
  }

  /** Saves a file like many editors, by renaming a new file over the old one, and waits for the result. */
  async save(file: string, change: string | ((text: string) => string)): Promise<Outcome> {
    const path = join(this.#project, file);
    const before = existsSync(path) ? readFileSync(path, 'utf8') : '';
    const text = typeof change === 'string' ? change : change(before);
    if (text === before) throw new Error(`the change does not change ${file}`);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(`${path}.swp`, text);
    return this.after(() => rename(`${path}.swp`, path));
  }

  /** Makes a change to files, and waits for the result of the next build. */
  async after(change: () => Promise<unknown>): Promise<Outcome> {
    this.#events = [];
    const result = new Promise<{ done: Done; events: WatchEvent[]; at: number }>((resolve) => {
      this.#await = resolve;
    });
    await change();
    const changed = performance.now();
    const { done, events, at } = await Promise.race([result, this.#tooLong()]);
    const tests = events.flatMap(({ event, name }) => (event === 'test' && name !== undefined ? [name] : []));
    return { ms: at - changed, done, events, tests };
  }

  async #tooLong(afterMs = PATIENCE_MS): Promise<never> {
    await delay(afterMs, undefined, { ref: false });
    throw new Error(
      `nothing was done within ${PATIENCE_MS} ms; events since the change: ${JSON.stringify(this.#events)}\n${this.#stderr}`,
    );
  }

  /** Waits until there are no more events and no build is running. */
  async settled(quietMs = 700, patienceMs = PATIENCE_MS): Promise<void> {
    const until = performance.now() + patienceMs;
    while (performance.now() - this.#lastEventAt < quietMs || !this.#isIdle()) {
      if (performance.now() > until) await this.#tooLong(0);
      await delay(50);
    }
  }

  #isIdle(): boolean {
    return ['ready', 'done', undefined].includes(this.#all.at(-1)?.event);
  }

  /** The result of the last build. */
  lastDone(): Done | undefined {
    return this.#lastDone;
  }

  /** All events since the start. */
  get allEvents(): readonly WatchEvent[] {
    return this.#all;
  }

  /** The output for people, on stderr. */
  get stderr(): string {
    return this.#stderr;
  }

  /** All events since the last change. */
  get events(): readonly WatchEvent[] {
    return this.#events;
  }

  /** Process ids of the CLI and of everything that it started, from /proc. */
  processes(): number[] {
    const { pid } = this.child;
    return pid === undefined ? [] : processTree(pid);
  }

  /** Stops it with Ctrl-C. @returns its exit code. */
  async stop(): Promise<number | null> {
    this.child.removeAllListeners('exit');
    if (this.child.exitCode !== null) return this.child.exitCode;
    this.child.kill('SIGINT');
    const [code] = await once(this.child, 'exit');
    return typeof code === 'number' ? code : null;
  }

  #finish(done: Done): void {
    this.#lastDone = done;
    const waiting = this.#await;
    this.#await = undefined;
    waiting?.({ done, events: [...this.#events], at: performance.now() });
  }
}
