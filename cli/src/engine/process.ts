import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { Effects } from '../config/effects.ts';
import { MeetupError } from '../config/errors.ts';
import { type Paths, sourceFolder } from '../config/paths.ts';
import { EngineLostError } from './errors.ts';
import { engineToken, logFile, newSocketPath } from './location.ts';
import { requireProject } from './required-project.ts';

const SERVER = join(sourceFolder, 'engine', 'python', 'main.py');

/** The next engine starts a new log if the old one is larger than this (bytes). */
const LARGEST_LOG = 2_000_000;

/** How long a dead process may still seem alive after its socket has closed (milliseconds). */
const SETTLING_MS = 300;

/** How long an engine may take to end before it is killed (milliseconds). */
const ENDING_MS = 1500;

/** A Python process that can't outlive this process, which holds the other end of its stdin. */
export class EngineProcess {
  readonly socket: string;
  readonly pid: number;
  readonly log: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, socket: string, log: string) {
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.socket = socket;
    this.log = log;
  }

  /**
   * Starts an engine and waits until its socket is open; it imports dbt afterwards, while clients connect.
   * @throws MeetupError if the toolchain is missing; EngineLostError if the process ends at once.
   */
  static async start(paths: Paths, effects: Effects): Promise<EngineProcess> {
    if (!existsSync(paths.python)) {
      throw new MeetupError(
        `There is no Python environment at ${paths.toolchain}: run \`./meetup doctor\`, which says how to create it.`,
      );
    }
    requireProject(paths);
    const { file: tokenFile } = await engineToken(paths);
    const socket = await newSocketPath(paths);
    const log = await logFile(paths, 'engine.log');
    const logDescriptor = openSync(log, existsSync(log) && statSync(log).size < LARGEST_LOG ? 'a' : 'w', 0o600);
    try {
      const child = spawn(paths.python, ['-E', '-s', '-X', 'utf8', SERVER, socket, tokenFile], {
        stdio: ['pipe', 'pipe', logDescriptor],
        env: {
          ...effects.env,
          ...engineEnvironment(paths),
          DO_NOT_TRACK: '1',
          DBT_SEND_ANONYMOUS_USAGE_STATS: 'false',
        },
      });
      await listening(child, log);
      return new EngineProcess(child, socket, log);
    } finally {
      closeSync(logDescriptor);
    }
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** How it ended, for messages (`signal SIGKILL`, `exit code 3`); undefined if it is alive. */
  async ending(): Promise<string | undefined> {
    // The socket of a killed process closes slightly before its exit is reported.
    if (this.alive) await Promise.race([once(this.#child, 'exit'), delay(SETTLING_MS, undefined, { ref: false })]);
    if (this.#child.signalCode !== null) return `signal ${this.#child.signalCode}`;
    return this.#child.exitCode === null ? undefined : `exit code ${this.#child.exitCode}`;
  }

  /** Closes its stdin, and kills it if that doesn't help. Resolves when it is gone. */
  async end(): Promise<void> {
    if (!this.alive) return;
    const gone = once(this.#child, 'exit');
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), ENDING_MS);
    this.#child.stdin?.end();
    await gone;
    clearTimeout(killer);
  }

  /** Kills it immediately. Resolves when it is gone. */
  async kill(): Promise<void> {
    if (!this.alive) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }
}

/** Environment variables that the dbt project reads. */
export function engineEnvironment(paths: Paths): Record<string, string> {
  return {
    MEETUP_DUCKDB_PATH: paths.workDatabase,
    MEETUP_DBT_TARGET: paths.dbtTarget,
    MEETUP_DBT_LOGS: paths.logs,
    ...(paths.pulled === undefined ? {} : { MEETUP_PULLED: paths.pulled.from }),
  };
}

async function listening(child: ChildProcess, log: string): Promise<void> {
  const { stdout, stdin } = child;
  if (stdout === null || stdin === null) throw new EngineLostError('The engine has no pipes.');
  // When the engine ends, its stdin closes; the write error must not end this process.
  stdin.on('error', () => undefined);
  const lines = createInterface({ input: stdout });
  const ended = Promise.race([
    once(child, 'error').then(([error]) => String(error)),
    once(child, 'exit').then(([code, signal]) => (signal === null ? `exit code ${code}` : `signal ${signal}`)),
  ]);
  const first = await Promise.race([once(lines, 'line').then(() => undefined), ended]);
  lines.close();
  if (first !== undefined) throw new EngineLostError(`The engine exited on startup (${first}). ${lastLine(log)}`);
}

function lastLine(log: string): string {
  try {
    return readFileSync(log, 'utf8').trimEnd().split('\n').at(-1) ?? '';
  } catch {
    return '';
  }
}
