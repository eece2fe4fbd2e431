import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../config/errors.ts';
import type { RehearsalPlaces } from '../places.ts';
import { SparkLostError } from '../server-link/link.ts';
import type { SparkAddress } from '../server-link/links.ts';
import type { Launch } from './launch.ts';
import { logFile } from './log-file.ts';
import { sparkArguments } from './spark-files.ts';

/** Spark's server logs this when it listens. */
const LISTENS = /ThriftBinaryCLIService on port (\d+)/;
/** How long Spark may take to listen (milliseconds); on an idle machine, it takes ten seconds. */
const STARTING_MS = 180_000;
/** How long Spark may take to end before it is killed (milliseconds). */
const ENDING_MS = 3000;

/** Spark's Java process. It reads from a pipe to this process and ends when the pipe is closed. */
export class SparkProcess {
  readonly pid: number;
  readonly address: SparkAddress;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, address: SparkAddress) {
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.address = address;
  }

  /** @throws SparkLostError if Spark ends before it listens, or takes too long. */
  static async start(places: RehearsalPlaces, launch: Launch, secret: string): Promise<SparkProcess> {
    const child = spawn(launch.java, [`@${sparkArguments(places)}`], {
      cwd: places.scratch,
      env: sparkEnvironment(launch),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    try {
      return new SparkProcess(child, { port: await listening(child, logFile(places.sparkLog)), secret });
    } catch (error) {
      // It must be gone before the next one starts, which empties the same working folder.
      if (child.kill('SIGKILL')) await once(child, 'exit');
      throw error;
    }
  }

  /** Resolves when it has ended for any reason. */
  async ended(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
  }

  async end(): Promise<void> {
    const gone = this.ended();
    this.#child.stdin?.end();
    await Promise.race([gone, delay(ENDING_MS, undefined, { ref: false })]);
    this.#child.kill('SIGKILL');
    await gone;
  }
}

/** The environment variables that Java and its libraries need. All others, which may hold secrets, are kept from statements. */
const NEEDED = /^(PATH|HOME|LANG|LC_\w+|TZ|TMPDIR|TEMP|TMP|JAVA_HOME|LD_LIBRARY_PATH|SYSTEMROOT|USERPROFILE|WINDIR)$/i;

function sparkEnvironment({ sparkHome }: Launch): NodeJS.ProcessEnv {
  return {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => NEEDED.test(name))),
    SPARK_HOME: sparkHome,
    SPARK_LOCAL_IP: '127.0.0.1',
    HADOOP_USER_NAME: 'rehearsal',
  };
}

async function listening(child: ChildProcess, log: (text: string | Uint8Array) => void): Promise<number> {
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new SparkLostError('Spark has no pipes.');
  // When Spark ends, its stdin closes; the write error must not end this process.
  stdin.on('error', () => undefined);
  // Always drain both, even if logging fails: a full pipe would block Spark.
  stdout.on('data', log);
  let last = '';
  const port = new Promise<number>((resolve) => {
    createInterface({ input: stderr }).on('line', (line) => {
      log(`${line}\n`);
      if (/\b(ERROR|FATAL|Error|Exception)\b/.test(line)) last = line;
      const found = LISTENS.exec(line)?.[1];
      if (found !== undefined) resolve(Number(found));
    });
  });
  const ended = Promise.race([
    once(child, 'exit').then(([code, signal]) => `it ended with ${signal ?? `exit code ${code}`}. ${last}`),
    once(child, 'error').then(([error]) => messageOf(error)),
    delay(STARTING_MS, 'it was not listening after three minutes', { ref: false }),
  ]);
  const first = await Promise.race([port, ended]);
  if (typeof first === 'number') return first;
  throw new SparkLostError(`Spark failed to start: ${first.trim()}`);
}
