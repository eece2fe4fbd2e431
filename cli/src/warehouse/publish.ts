import { existsSync } from 'node:fs';
import { link, mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import { cannotWriteState } from '../config/state-folder.ts';
import { signatureOf } from './database-file.ts';
import { openWork } from './duckdb.ts';
import { sparePath } from './working-file.ts';

/**
 * Gives readers the working database as it is now: the working file itself takes the published one's place, by an
 * atomic rename. Readers that have the older file open keep it, whole, for as long as they like. The working file is
 * made again by `restoreWorkingFile`. Does nothing where nothing changed.
 * The caller holds the write lock, and nobody has the working database open.
 * @returns whether anything was published.
 * @see docs/decisions/publication.md
 */
export async function publish(paths: Paths): Promise<boolean> {
  if (!existsSync(paths.workDatabase)) return false;
  await foldLogIntoFile(paths);
  if ((await signatureOf(paths.workDatabase)) === (await signatureOf(paths.database))) return false;
  try {
    await keepAsSpare(paths);
    await rename(paths.workDatabase, paths.database);
  } catch (error) {
    throw cannotWriteState(paths, error);
  }
  return true;
}

/** A process that was killed leaves DuckDB's log beside the file; opening and closing the file takes it in. */
async function foldLogIntoFile(paths: Paths): Promise<void> {
  if (!existsSync(`${paths.workDatabase}.wal`)) return;
  const warehouse = await openWork(paths);
  await warehouse.close();
}

/** The file that readers had until now becomes the next working file: most of its blocks are what they have to be. */
async function keepAsSpare(paths: Paths): Promise<void> {
  const spare = sparePath(paths);
  await mkdir(dirname(spare), { recursive: true });
  await rm(spare, { force: true });
  try {
    await link(paths.database, spare);
  } catch (error) {
    // No published file yet, or a file system without hard links: then the working file is copied as a whole.
    if (!hasCode(error, 'ENOENT') && !hasCode(error, 'EPERM') && !hasCode(error, 'ENOTSUP')) throw error;
  }
}
