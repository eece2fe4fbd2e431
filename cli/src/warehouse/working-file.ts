import { constants, existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { hasCode } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import { cannotWriteState } from '../config/state-folder.ts';
import { copyDifferences } from './database-file.ts';

/** The previously published file, kept to become the next working file. */
export function sparePath(paths: Paths): string {
  return join(dirname(paths.workDatabase), 'spare.duckdb');
}

/**
 * Makes a new working file, equal to the published one, after publishing has moved it away, even if the publishing process
 * was killed right after. The caller holds the write lock. Does nothing if the working file exists.
 */
export async function restoreWorkingFile(paths: Paths): Promise<void> {
  if (existsSync(paths.workDatabase) || !existsSync(paths.database)) return;
  try {
    await mkdir(dirname(paths.workDatabase), { recursive: true });
    await removeLeftovers(paths.workDatabase);
    const made = (await clone(paths)) ?? (await updateSpare(paths)) ?? (await copy(paths));
    await rename(made, paths.workDatabase);
    await rm(sparePath(paths), { force: true });
  } catch (error) {
    throw cannotWriteState(paths, error);
  }
}

const copyPath = (paths: Paths): string => `${paths.workDatabase}.${process.pid}.copy`;

/** File systems that can (btrfs, XFS, APFS) share the blocks instead of copying them. */
async function clone(paths: Paths): Promise<string | undefined> {
  try {
    await copyFile(paths.database, copyPath(paths), constants.COPYFILE_FICLONE_FORCE);
    return copyPath(paths);
  } catch (error) {
    if (hasCode(error, 'ENOSPC')) throw error;
    return undefined;
  }
}

/** Updates the changed blocks of the spare, unless somebody still reads it, possibly for hours. */
async function updateSpare(paths: Paths): Promise<string | undefined> {
  const spare = sparePath(paths);
  if (!existsSync(spare)) return undefined;
  let held: DuckDBInstance;
  try {
    // DuckDB locks each file that it opens, so this fails while there are readers, and
    // while it is open, nobody else can start to read.
    held = await DuckDBInstance.create(spare);
  } catch {
    return undefined;
  }
  try {
    await copyDifferences(paths.database, spare);
    return spare;
  } finally {
    held.closeSync();
  }
}

async function copy(paths: Paths): Promise<string> {
  await copyFile(paths.database, copyPath(paths));
  return copyPath(paths);
}

/** Incomplete copies of processes that were killed. */
async function removeLeftovers(target: string): Promise<void> {
  const prefix = `${basename(target)}.`;
  for (const name of await readdir(dirname(target))) {
    if (name.startsWith(prefix) && name.endsWith('.copy')) await rm(join(dirname(target), name), { force: true });
  }
}
