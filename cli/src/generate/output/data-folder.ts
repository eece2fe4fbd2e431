import type { Dirent } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../../config/effects.ts';
import { hasCode, MeetupError, messageOf } from '../../config/errors.ts';
import { isAlive } from '../../config/processes.ts';
import { type GeneratedFile, isUntouched, type Marker, readMarker, writeMarker } from './marker.ts';

/** Where files are written before they are put in place; inside the data folder, so that a rename is enough. */
const WORKSHOP = '.generating';
const DATA_FILE = /^(groups|users|events|venues)\.(json|jsonl|ndjson)(\.gz)?$/;
const DROP_FOLDER = /^\d{4}-\d{2}-\d{2}$/;

/** What the data files in a folder are to us. */
export type Standing = { readonly kind: 'empty' } | { readonly kind: 'ours'; readonly marker: Marker };

/**
 * Looks at what a folder holds. READMEs, schemas and the like are no data.
 * @throws MeetupError where there is data that was not generated, or was changed since: it is not ours to overwrite.
 */
export async function inspect(folder: string): Promise<Standing> {
  const present = await dataFiles(folder);
  const marker = await readMarker(folder);
  if (present.length === 0) return { kind: 'empty' };
  const known = new Map<string, GeneratedFile[]>();
  for (const file of [...(marker?.files ?? []), ...(marker?.replaces ?? [])]) {
    known.set(file.path, [...(known.get(file.path) ?? []), file]);
  }
  for (const path of present) {
    const versions = known.get(path);
    if (versions === undefined) {
      throw new MeetupError(
        `${join(folder, path)} was not generated, and nothing is overwritten: move it away, or name another folder with --out.`,
      );
    }
    const untouched = await Promise.all(versions.map((version) => isUntouched(folder, version)));
    if (!untouched.includes(true)) {
      throw new MeetupError(
        `${join(folder, path)} was changed since it was generated, and is not overwritten: move it away, or name another folder with --out.`,
      );
    }
  }
  return marker === undefined ? { kind: 'empty' } : { kind: 'ours', marker };
}

/** Whether every file of a marker is in place. `inspect` has compared those that are there. */
export async function isComplete(folder: string, marker: Marker): Promise<boolean> {
  if (marker.replaces !== undefined) return false;
  const present = new Set(await dataFiles(folder));
  return marker.files.length === present.size && marker.files.every(({ path }) => present.has(path));
}

/** Data files below a folder, as paths relative to it with forward slashes. */
async function dataFiles(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await list(folder)) {
    if (entry.isDirectory() && DROP_FOLDER.test(entry.name)) {
      const inside = await list(join(folder, entry.name));
      found.push(...inside.filter(({ name }) => DATA_FILE.test(name)).map(({ name }) => `${entry.name}/${name}`));
    } else if (!entry.isDirectory() && DATA_FILE.test(entry.name)) found.push(entry.name);
  }
  return found.sort();
}

async function list(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw refusal(folder, error);
  }
}

/**
 * Opens an empty workshop inside a data folder, making both. Clears away that of a run that was killed.
 * @throws MeetupError where the folder cannot be written, or another run is at work in it.
 */
export async function openWorkshop(folder: string, clock: Clock): Promise<string> {
  const workshop = join(folder, WORKSHOP);
  try {
    await mkdir(folder, { recursive: true });
    await mkdir(workshop).catch(async (error: unknown) => {
      if (!hasCode(error, 'EEXIST')) throw error;
      if (await isAtWork(workshop, clock)) {
        throw new MeetupError(
          `Another generate is writing to ${folder}: wait for it, or choose another folder with --out; if none is running, remove ${workshop}.`,
        );
      }
      await rm(workshop, { recursive: true, force: true });
      await mkdir(workshop);
    });
    await writeFile(join(workshop, 'pid'), String(process.pid));
  } catch (error) {
    throw refusal(folder, error);
  }
  return workshop;
}

async function isAtWork(workshop: string, clock: Clock): Promise<boolean> {
  const pid = Number(await readFile(join(workshop, 'pid'), 'utf8').catch(() => ''));
  if (!Number.isInteger(pid) || pid <= 0) {
    // No number yet: either just begun or killed in its first moment.
    const { mtimeMs } = await stat(workshop);
    return clock.now() - mtimeMs < 2000;
  }
  return isAlive(pid);
}

export async function closeWorkshop(workshop: string): Promise<void> {
  await rm(workshop, { recursive: true, force: true });
}

/**
 * Puts the workshop's files in place and removes those of the earlier run that are no longer wanted. The marker names both
 * while that lasts, so that a run that is killed here leaves files that the next one knows.
 */
export async function putInPlace(folder: string, workshop: string, marker: Marker, earlier: Standing): Promise<void> {
  const replaces = earlier.kind === 'ours' ? [...earlier.marker.files, ...(earlier.marker.replaces ?? [])] : [];
  try {
    await writeMarker(folder, { ...marker, replaces });
    for (const { path } of marker.files) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await rename(join(workshop, path), join(folder, path));
    }
    const wanted = new Set(marker.files.map(({ path }) => path));
    for (const { path } of replaces) {
      if (wanted.has(path)) continue;
      await rm(join(folder, path), { force: true });
      if (path.includes('/')) await removeIfEmpty(dirname(join(folder, path)));
    }
    await writeMarker(folder, marker);
  } catch (error) {
    throw refusal(folder, error);
  }
}

async function removeIfEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST')) throw error;
  }
}

/** The file system's own errors in plain words; anything else as it is. */
export function refusal(folder: string, error: unknown): unknown {
  const why = [
    [['EACCES', 'EPERM', 'EROFS'], 'it is not writable'],
    [['ENOSPC', 'EDQUOT'], 'the disk is full'],
    [['ENOTDIR', 'EEXIST'], 'it, or a folder above it, is a file'],
  ] as const;
  const known = why.find(([codes]) => hasCode(error, ...codes));
  if (known === undefined) return error;
  return new MeetupError(
    `Cannot write to ${folder}: ${known[1]} (${messageOf(error)}): fix that, or choose another folder with --out.`,
    { cause: error },
  );
}
