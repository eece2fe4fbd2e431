import { hasCode } from './errors.ts';

/** Whether a process with this id exists on this machine, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
}

/** The name, in messages, of the process that holds a lock. */
export const processName = (pid: number | undefined): string =>
  pid === undefined ? 'another meetup process' : `meetup process ${pid}`;
