import type { Dirent } from 'node:fs';
import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, MeetupError } from '../config/errors.ts';
import { reasonOf } from '../config/explain.ts';

/**
 * Removes a file, a link or a folder with its content; a link's target stays.
 * @returns the number of bytes freed on disk: a file with another hard link, such as in a package manager's cache, frees
 * none. Undefined if there was nothing.
 * @throws MeetupError if it can't be removed.
 */
export async function remove(path: string): Promise<number | undefined> {
  const bytes = await bytesOf(path);
  if (bytes === undefined) return undefined;
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  } catch (error) {
    throw new MeetupError(`${path} can't be removed (${reasonOf(error)}): make it writable and try again.`, {
      cause: error,
    });
  }
  return bytes;
}

async function bytesOf(path: string): Promise<number | undefined> {
  try {
    const stats = await lstat(path);
    if (!stats.isDirectory()) return stats.nlink > 1 ? 0 : stats.size;
    let bytes = 0;
    for (const entry of await entriesOf(path)) bytes += (await bytesOf(join(path, entry.name))) ?? 0;
    return bytes;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function entriesOf(folder: string): Promise<Dirent[]> {
  return readdir(folder, { withFileTypes: true });
}
