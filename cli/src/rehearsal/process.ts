import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { hasCode } from '../config/errors.ts';
import type { RehearsalPlaces } from './places.ts';
import { sparkArguments } from './supervisor/spark-files.ts';

/** Whether a process with this id exists, whoever it belongs to. */
export function processLives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
}

/**
 * All processes of this rehearsal, whatever is written down about them: the background process is the one that was given
 * this launch file, and Spark the one that was given this file of arguments.
 */
export async function rehearsalProcesses(places: RehearsalPlaces): Promise<number[]> {
  const marks = [places.launchFile, `@${sparkArguments(places)}`];
  const found: number[] = [];
  for (const { pid, args } of await commandLines()) {
    if (pid !== process.pid && isOurs(args, marks)) found.push(pid);
  }
  return found;
}

function isOurs(args: readonly string[], marks: readonly string[]): boolean {
  const [, ...given] = args;
  const isSupervisor = given.some((arg) => /supervisor[\\/]main\.[jt]s$/.test(arg));
  return marks.some((mark) => given.includes(mark) && (mark.startsWith('@') || isSupervisor));
}

async function commandLines(): Promise<{ pid: number; args: string[] }[]> {
  if (process.platform === 'linux') {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    return Promise.all(pids.map(async (pid) => ({ pid: Number(pid), args: await argumentsOf(pid) })));
  }
  const { stdout } = await execa('ps', ['-axww', '-o', 'pid=,command='], { reject: false });
  return String(stdout ?? '')
    .split('\n')
    .flatMap((line) => {
      const match = /^\s*(\d+)\s+(.*)$/.exec(line);
      return match?.[2] === undefined ? [] : [{ pid: Number(match[1]), args: match[2].split(' ') }];
    });
}

async function argumentsOf(pid: string): Promise<string[]> {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
  } catch {
    // It has ended meanwhile, or belongs to somebody else.
    return [];
  }
}

/** How long a process that was asked to end may take before it is killed (milliseconds). */
const ENDING_MS = 6000;

/** Ends all processes of this rehearsal, asking first. Resolves when none is left. @returns how many there were. */
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
