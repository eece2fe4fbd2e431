import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { hasCode } from '../config/errors.ts';
import type { RehearsalPlaces } from './places.ts';
import { sparkArguments } from './supervisor/spark-files.ts';

/**
 * All processes of this rehearsal, independent of the state file: the background process is the one started with this launch
 * file, and Spark the one started with this file of arguments.
 */
export async function rehearsalProcesses(places: RehearsalPlaces): Promise<number[]> {
  const lines = await commandLines();
  return lines.filter((line) => line.pid !== process.pid && isOurs(line, places)).map(({ pid }) => pid);
}

/** The command line of a process. */
export interface CommandLine {
  readonly pid: number;
  /** All its arguments, with a separator before and after each. */
  readonly text: string;
  /** A character that no argument contains; with `ps` only a space, which an argument may contain. */
  readonly separator: '\0' | ' ';
}

/** Whether a process belongs to this rehearsal. */
export function isOurs({ text, separator }: CommandLine, places: RehearsalPlaces): boolean {
  const wasGiven = (arg: string): boolean => text.includes(`${separator}${arg}${separator}`);
  if (wasGiven(`@${sparkArguments(places)}`)) return true;
  // Programs that read the launch file, such as an editor, have it on their command line as well.
  return wasGiven(places.launchFile) && /supervisor[\\/]main\.[jt]s[\0 ]/.test(text);
}

async function commandLines(): Promise<CommandLine[]> {
  if (process.platform === 'linux') {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    return Promise.all(pids.map(async (pid) => ({ pid: Number(pid), text: await argumentsOf(pid), separator: '\0' })));
  }
  const { stdout } = await execa('ps', ['-axww', '-o', 'pid=,command='], { reject: false });
  return readPs(String(stdout ?? ''));
}

/** Parses the output of `ps -o pid=,command=`, one process per line. */
export function readPs(output: string): CommandLine[] {
  return output.split('\n').flatMap((line) => {
    const [, pid, command] = /^\s*(\d+)\s+(.*)$/.exec(line) ?? [];
    return command === undefined ? [] : [{ pid: Number(pid), text: ` ${command} `, separator: ' ' }];
  });
}

async function argumentsOf(pid: string): Promise<string> {
  try {
    return `\0${await readFile(`/proc/${pid}/cmdline`, 'utf8')}`;
  } catch {
    // It has ended in the meantime, or belongs to another user.
    return '';
  }
}

/** How long a process may take to end before it is killed (milliseconds). */
const ENDING_MS = 6000;

/**
 * Terminates all processes of this rehearsal, then kills those that remain. Resolves when none is left. @returns how many there
 * were.
 */
export async function endProcesses(places: RehearsalPlaces): Promise<number> {
  const first = await rehearsalProcesses(places);
  const started = Date.now();
  for (let left = first; left.length > 0; left = await rehearsalProcesses(places)) {
    const late = Date.now() - started > ENDING_MS;
    for (const pid of left) if (late || left === first) signal(pid, late ? 'SIGKILL' : 'SIGTERM');
    await delay(50);
  }
  return first.length;
}

function signal(pid: number, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error;
  }
}
