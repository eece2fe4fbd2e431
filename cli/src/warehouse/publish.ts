import { constants, existsSync } from 'node:fs';
import { copyFile, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { hasCode } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import { cannotWriteState, openWork } from './duckdb.ts';

/** What the working database looked like when it was last published. */
const stampSchema = z.object({ size: z.string(), mtimeNs: z.string() });
type Stamp = z.infer<typeof stampSchema>;

const stampFile = (paths: Paths): string => join(paths.state, 'published.json');

/**
 * Gives readers the working database as it is now: a copy beside the published file, then an atomic rename.
 * Readers that have the older file open keep it, whole, for as long as they like. Does nothing where nothing changed.
 * The caller holds the write lock, and nobody has the working database open.
 * @returns whether anything was published.
 */
export async function publish(paths: Paths): Promise<boolean> {
  if (!existsSync(paths.workDatabase)) return false;
  await foldLogIntoFile(paths);
  const stamp = await stampOf(paths.workDatabase);
  if (existsSync(paths.database) && sameStamp(stamp, await readStamp(paths))) return false;
  try {
    await removeLeftovers(paths.database);
    await copyThenRename(paths.workDatabase, paths.database);
    await writeAtomically(stampFile(paths), JSON.stringify(stamp));
  } catch (error) {
    throw cannotWriteState(paths, error);
  }
  return true;
}

/** Writes a small file so that it is whole or absent, whatever happens. */
export async function writeAtomically(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, text);
  await flush(temporary);
  await rename(temporary, path);
}

/** A process that was killed leaves DuckDB's log beside the file; opening and closing the file takes it in. */
async function foldLogIntoFile(paths: Paths): Promise<void> {
  if (!existsSync(`${paths.workDatabase}.wal`)) return;
  const warehouse = await openWork(paths);
  await warehouse.close();
}

async function stampOf(path: string): Promise<Stamp> {
  const { size, mtimeNs } = await stat(path, { bigint: true });
  return { size: String(size), mtimeNs: String(mtimeNs) };
}

function sameStamp(a: Stamp, b: Stamp | undefined): boolean {
  return a.size === b?.size && a.mtimeNs === b.mtimeNs;
}

async function readStamp(paths: Paths): Promise<Stamp | undefined> {
  try {
    const parsed = stampSchema.safeParse(JSON.parse(await readFile(stampFile(paths), 'utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch (error) {
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Copies of earlier processes that were killed while they copied. */
async function removeLeftovers(target: string): Promise<void> {
  const prefix = `${basename(target)}.`;
  for (const name of await readdir(dirname(target))) {
    if (name.startsWith(prefix) && name.endsWith('.copy')) await rm(join(dirname(target), name), { force: true });
  }
}

async function copyThenRename(from: string, to: string): Promise<void> {
  const temporary = `${to}.${process.pid}.copy`;
  // A file system that can (btrfs, XFS, APFS) shares the blocks instead of copying them.
  await copyFile(from, temporary, constants.COPYFILE_FICLONE);
  await flush(temporary);
  await rename(temporary, to);
}

async function flush(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.datasync();
  } finally {
    await file.close();
  }
}
