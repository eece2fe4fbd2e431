import { hasCode } from '../config/errors.ts';

/** Whether a process with this id exists, whoever it belongs to. */
export function processLives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
}
