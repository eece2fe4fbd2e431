import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import type { Effects } from '../config/effects.ts';
import { InterruptedError, MeetupError, messageOf } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import { processName } from '../config/processes.ts';
import { cannotWriteState } from '../config/state-folder.ts';
import { isLockConflict, lockHolder } from './duckdb.ts';
import { restoreWorkingFile } from './working-file.ts';

/** A lock that the operating system releases when its holder ends, however it ends. */
export interface HeldLock {
  release(): void;
}

/**
 * Takes a named lock in the state folder, or returns its holder.
 *
 * The lock is a tiny DuckDB file that is held open: DuckDB takes the operating system's own file lock on it, which ends
 * with the process (also by `kill -9`), works on every platform that DuckDB runs on, and names its holder.
 */
export async function tryLock(
  paths: Paths,
  name: 'write' | 'watch',
): Promise<HeldLock | { heldBy: number | undefined }> {
  try {
    await mkdir(paths.state, { recursive: true });
  } catch (error) {
    throw cannotWriteState(paths, error);
  }
  try {
    const instance = await DuckDBInstance.create(join(paths.state, `${name}.lock`), { threads: '1' });
    return { release: () => instance.closeSync() };
  } catch (error) {
    if (isLockConflict(error)) return { heldBy: lockHolder(error) };
    throw cannotWriteState(paths, new Error(messageOf(error), { cause: error }));
  }
}

/** How long one meetup process waits for another before it gives up (milliseconds). */
const PATIENCE_MS = 10 * 60_000;

/**
 * Runs `work` while no other meetup process writes to this state folder. Waits for one that does, and reports that once.
 * The working database exists when the work starts and after it, even if the work published it.
 * @throws InterruptedError when the signal is aborted while waiting; MeetupError after ten minutes.
 */
export async function withWriteLock<T>(paths: Paths, effects: Effects, work: () => Promise<T>): Promise<T> {
  return withLock(paths, effects, async () => {
    try {
      await restoreWorkingFile(paths);
      return await work();
    } finally {
      await restoreWorkingFile(paths);
    }
  });
}

/**
 * Runs `work` while no other process has the write lock of this folder, which need not be that of the databases: these
 * are not touched. Waits for a process that has it, and reports that once.
 * @throws InterruptedError when the signal is aborted while waiting; MeetupError after ten minutes.
 */
export async function withLock<T>(paths: Paths, effects: Effects, work: () => Promise<T>): Promise<T> {
  const lock = await waitForLock(paths, effects);
  try {
    return await work();
  } finally {
    lock.release();
  }
}

async function waitForLock(paths: Paths, effects: Effects): Promise<HeldLock> {
  const started = effects.clock.elapsed();
  let said = false;
  for (;;) {
    if (effects.signal.aborted) throw new InterruptedError();
    const attempt = await tryLock(paths, 'write');
    if ('release' in attempt) return attempt;
    const holder = processName(attempt.heldBy);
    if (effects.clock.elapsed() - started > PATIENCE_MS) {
      throw new MeetupError(
        `${holder} has been writing to ${paths.state} for ten minutes: wait for it, or stop it and try again.`,
      );
    }
    if (!said) effects.reporter.note(`Waiting for ${holder}, which is writing to ${paths.state} …`);
    said = true;
    await delay(50);
  }
}
