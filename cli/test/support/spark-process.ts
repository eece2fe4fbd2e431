import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The Spark process among a rehearsal's processes, recognised by its command line because process ids are reused. */
export function sparkOf(processes: readonly number[]): number {
  const spark = processes.find((pid) => commandLine(pid).includes('spark.args'));
  if (spark === undefined) throw new Error(`none of ${processes.join(', ')} is Spark`);
  return spark;
}

function commandLine(pid: number): string {
  if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  return execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
}
