import { readdir, rmdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Effects } from '../config/effects.ts';
import { hasCode, InterruptedError, MeetupError } from '../config/errors.ts';
import { setupOwner, stateMarker } from '../config/launcher.ts';
import { isCheckout, type Paths, projectRoot } from '../config/paths.ts';
import { processName } from '../config/processes.ts';
import type { CommandResult } from '../config/result.ts';
import { rehearsalPlaces } from '../rehearsal/places.ts';
import { endProcesses } from '../rehearsal/process.ts';
import { ownState } from '../toolchain/ownership.ts';
import { remove } from '../toolchain/removal.ts';
import { type HeldLock, tryLock } from '../warehouse/lock.ts';

export interface CleanOptions {
  readonly paths: Paths;
  /** Also the Node packages and the compiled CLI. */
  readonly all: boolean;
}

export interface CleanReport {
  readonly status: 'removed' | 'nothing';
  readonly removed: readonly { readonly path: string; readonly bytes: number }[];
  readonly freedBytes: number;
  /** What is left in place, and why. */
  readonly kept: readonly { readonly path: string; readonly why: string }[];
}

const LOCKS = ['write.lock', 'watch.lock'];

/**
 * Removes what meetup created: the state folder with the databases and dbt's environment, and dbt's files in its project;
 * with `all` also the Node packages and the compiled CLI. Never the data.
 * @throws MeetupError if the state folder is not meetup's own, or a meetup process is working in it.
 */
export async function run(options: CleanOptions, effects: Effects): Promise<CommandResult<CleanReport>> {
  const { paths } = options;
  const state = await ownState(paths);
  refuseDuringSetUp(paths);
  const removed: { path: string; bytes: number }[] = [];
  const take = async (path: string): Promise<number | undefined> => {
    if (effects.signal.aborted) throw new InterruptedError();
    effects.reporter.progress(`Removing ${path}`);
    return remove(path);
  };
  if (state !== undefined) removed.push({ path: paths.state, bytes: await removeState(paths, state, take) });
  const others = ['target', 'logs'].map((made) => join(paths.dbtProject, made));
  if (options.all && isCheckout) others.push(...['dist', 'node_modules'].map((made) => join(projectRoot, made)));
  for (const path of others) {
    const bytes = await take(path);
    if (bytes !== undefined) removed.push({ path, bytes });
  }
  const freedBytes = removed.reduce((sum, { bytes }) => sum + bytes, 0);
  const kept = await keptToolchain(paths);
  return { exitCode: 0, report: { status: removed.length > 0 ? 'removed' : 'nothing', removed, freedBytes, kept } };
}

function refuseDuringSetUp(paths: Paths): void {
  const pid = setupOwner(paths);
  if (pid !== undefined) throw busy(`meetup process ${pid} is setting up ${paths.state}`);
}

const busy = (what: string): MeetupError =>
  new MeetupError(`Nothing was removed because ${what}: wait for it, or stop it and try again.`);

/**
 * Removes in an order in which an interruption never leaves something that looks complete but isn't.
 * @returns the bytes freed
 */
async function removeState(
  paths: Paths,
  state: string,
  take: (path: string) => Promise<number | undefined>,
): Promise<number> {
  const locks: HeldLock[] = [];
  let bytes = 0;
  try {
    for (const name of ['watch', 'write'] as const) {
      const lock = await tryLock(paths, name);
      if (!('release' in lock)) throw busy(`${processName(lock.heldBy)} is working in ${paths.state}`);
      locks.push(lock);
    }
    // A Spark that is writing or starting would recreate what is being removed.
    const rehearsal = rehearsalPlaces(paths);
    const lock = await tryLock({ ...paths, state: rehearsal.folder }, 'write');
    if (!('release' in lock))
      throw busy(`${processName(lock.heldBy)} is starting or stopping the rehearsal in ${paths.state}`);
    locks.push(lock);
    await endProcesses(rehearsal);
    const last = [basename(rehearsal.folder), ...LOCKS, stateMarker().name];
    const first = ['toolchain/python', 'toolchain/metrics', 'toolchain/dev'];
    const between = (await readdir(state)).filter((name) => !last.includes(name));
    // The links to the environments first: without them no environment is used, complete or not.
    for (const name of [...first, ...between, ...last]) bytes += (await take(join(state, name))) ?? 0;
  } finally {
    for (const lock of locks) lock.release();
  }
  // DuckDB may write beside its file when it releases a lock.
  for (const name of await readdir(state))
    if (LOCKS.some((lock) => name.startsWith(lock))) await take(join(state, name));
  await removeEmptyFolder(paths.state);
  return bytes;
}

async function removeEmptyFolder(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (error) {
    // ENOTDIR: a link that somebody made to a folder elsewhere stays theirs. ENOTEMPTY: a process came meanwhile.
    if (!hasCode(error, 'ENOTDIR', 'ENOTEMPTY', 'EEXIST', 'ENOENT')) throw error;
  }
}

/** A toolchain elsewhere may be shared with other state folders. */
async function keptToolchain(paths: Paths): Promise<{ path: string; why: string }[]> {
  if (paths.toolchain === join(paths.state, 'toolchain')) return [];
  try {
    await readdir(paths.toolchain);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
  return [{ path: paths.toolchain, why: 'it is set by MEETUP_TOOLCHAIN_DIR, so other projects may share it' }];
}
