import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { z } from 'zod';

const eventSchema = z.looseObject({ event: z.string() });
const doneSchema = z.object({
  event: z.literal('done'),
  status: z.string(),
  built: z.array(z.string()),
  failing: z.array(z.string()),
});
export type Done = z.infer<typeof doneSchema>;

/** A real `./meetup dev --watch --json` on a copy of the project. */
export class Watching {
  readonly #child: ChildProcess;
  readonly #project: string;
  #await: ((done: Done) => void) | undefined;
  readonly ready: Promise<void>;

  constructor(meetup: string, project: string, stateDir: string, toolchain: string) {
    this.#project = project;
    this.#child = spawn(meetup, ['dev', '--watch', '--json', '--state-dir', stateDir], {
      env: { ...process.env, MEETUP_PROJECT_DIR: project, MEETUP_TOOLCHAIN_DIR: toolchain },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (this.#child.stdout === null) throw new Error('the watch has no stdout');
    const lines = createInterface(this.#child.stdout);
    this.ready = new Promise((resolve, reject) => {
      this.#child.once('exit', (code) => reject(new Error(`the watch ended with ${code}`)));
      lines.on('line', (line) => {
        const told = eventSchema.parse(JSON.parse(line));
        if (told.event === 'ready') resolve();
        if (told.event === 'done') this.#await?.(doneSchema.parse(told));
      });
    });
  }

  /** Saves a file as editors do (a new file, renamed over the old). Milliseconds from the save on disk to the result. */
  async save(file: string, change: (text: string) => string): Promise<{ ms: number; done: Done }> {
    const path = join(this.#project, file);
    const text = change(readFileSync(path, 'utf8'));
    await writeFile(`${path}.swp`, text);
    const result = new Promise<Done>((resolve) => {
      this.#await = resolve;
    });
    await rename(`${path}.swp`, path);
    const saved = performance.now();
    const done = await result;
    return { ms: performance.now() - saved, done };
  }

  /** Resident memory of the CLI and its engine together (bytes), from /proc; undefined elsewhere. */
  memory(): number | undefined {
    const rss = (pid: number): number => {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
    };
    try {
      const { pid } = this.#child;
      if (pid === undefined) return undefined;
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
        .trim()
        .split(' ')
        .filter(Boolean)
        .map(Number);
      return rss(pid) + children.reduce((sum, child) => sum + rss(child), 0);
    } catch {
      return undefined;
    }
  }

  async stop(): Promise<void> {
    this.#child.removeAllListeners('exit');
    this.#child.kill('SIGTERM');
    await once(this.#child, 'exit');
  }
}
