import { existsSync } from 'node:fs';
import { link, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasCode } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import { cannotWriteState } from '../config/state-folder.ts';
import { signatureOf } from './database-file.ts';
import { openWork } from './duckdb.ts';
import { sparePath } from './working-file.ts';

/**
 * Publishes the working database: its file replaces the published one by an atomic rename. Readers that have the older
 * file open keep it for as long as they like. `restoreWorkingFile` then makes a new working file. Does nothing if nothing
 * changed.
 * The caller holds the write lock, and nobody has the working database open.
 * @returns whether anything was published.
 * @see docs/decisions/publication.md
 */
export async function publish(paths: Paths): Promise<boolean> {
  if (!existsSync(paths.workDatabase)) return false;
  await foldLogIntoFile(paths);
  const isAnew = existsSync(anewMark(paths));
  if (!isAnew && (await signatureOf(paths.workDatabase)) === (await signatureOf(paths.database))) return false;
  try {
    if (!isAnew) await keepAsSpare(paths);
    await rename(paths.workDatabase, paths.database);
    await rm(anewMark(paths), { force: true });
  } catch (error) {
    throw cannotWriteState(paths, error);
  }
  return true;
}

/**
 * A file that exists if the working database was written anew, from its content: then its signature says nothing, because it counts
 * from the start again, and the published file has nothing in common with it.
 */
export const anewMark = (paths: Paths): string => join(dirname(paths.workDatabase), 'anew');

/** A killed process leaves DuckDB's write-ahead log beside the file; opening and closing the file applies it. */
async function foldLogIntoFile(paths: Paths): Promise<void> {
  if (!existsSync(`${paths.workDatabase}.wal`)) return;
  const warehouse = await openWork(paths);
  await warehouse.close();
}

/** The previously published file becomes the next working file, because most of its blocks are unchanged. */
async function keepAsSpare(paths: Paths): Promise<void> {
  const spare = sparePath(paths);
  await mkdir(dirname(spare), { recursive: true });
  await rm(spare, { force: true });
  try {
    await link(paths.database, spare);
  } catch (error) {
    // No published file yet, or a file system without hard links: the working file will be a full copy.
    if (!hasCode(error, 'ENOENT') && !hasCode(error, 'EPERM') && !hasCode(error, 'ENOTSUP')) throw error;
  }
}
