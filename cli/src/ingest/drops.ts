import { createHash } from 'node:crypto';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, MeetupError, messageOf } from '../config/errors.ts';
import { MANIFEST, readManifest } from './manifest.ts';
import { LineScanner } from './scan.ts';

/** One folder's files: those in the data folder itself (the dump), or in the folder of one day. */
export interface Drop {
  /** `YYYY-MM-DD`; undefined for the undated dump. */
  readonly date: string | undefined;
  readonly folder: string;
  readonly files: readonly DropFile[];
}

export interface DropFile {
  readonly entity: string;
  readonly path: string;
  /** Relative to the data folder, with forward slashes. */
  readonly sourceFile: string;
  /** Whether the drop's manifest says that the file holds all records there are. */
  readonly isComplete: boolean;
}

/** Lines of a file as it is, so of a compressed one nothing that means anything. */
export interface LineCount {
  readonly count: number;
  /** The longest line, without its line end (bytes). */
  readonly longest: number;
}

/** What a file holds, from one read of it. */
export interface Fingerprint {
  /** In hex. */
  readonly sha256: string;
  readonly bytes: number;
  readonly lines: LineCount;
}

/** Where the lines in doubt of a file are marked. */
export interface Marks {
  /** The temporary table, quoted. */
  readonly table: string;
  /** The longest line for which the marks are right (bytes). */
  readonly longest: number;
}

/** A file and what it held when it was read. */
export interface MeasuredFile extends DropFile, Fingerprint {
  /** Undefined if its lines are not marked yet. */
  readonly marks?: Marks | undefined;
}

export interface FoundDrops {
  /** The dump first, then the days in order. Folders without data files are left out. */
  readonly drops: readonly Drop[];
  /** Files and folders that look like data but can't be loaded. */
  readonly notLoaded: readonly NotLoaded[];
}

/** A file or folder that looks like data but can't be loaded. */
export interface NotLoaded {
  /** Relative to the data folder; a folder's name ends with a slash. */
  readonly name: string;
  /** Such as "folders are named after days, such as 2026-01-31". */
  readonly why: string;
}

const DATED = /^\d{4}-\d{2}-\d{2}$/;
/** Folder names that were probably meant to be days: 2026-1-2, 20260102, 2026_01_02. */
const DAYLIKE = /^\d{4}[-_. ]?\d{1,2}[-_. ]?\d{1,2}$/;
const JSON_FILE = /\.(json|jsonl|ndjson)(\.gz)?$/;
/** File names that were probably meant to be loaded: in another case, or with another compression. */
const JSONLIKE = /\.(json|jsonl|ndjson)(\.[a-z0-9]+)?$/i;
/** Folders in the data folder that aren't drops. */
const OTHER_FOLDERS = new Set(['schemas']);

/** The entity in a file's name; undefined if it isn't the name of a JSON file. */
export const entityOfFile = (name: string): string | undefined =>
  JSON_FILE.test(name) ? name.replace(JSON_FILE, '') : undefined;

const DAYS = 'folders are named after days, such as 2026-01-31';

/**
 * Finds the files to load in the data folder: `groups.json`, `users.ndjson.gz`, … in the folder itself and in folders named
 * after days. Links are followed. Whatever looks like data but can't be loaded is reported, never silently ignored.
 * @param entities the allowed file names, without extensions.
 * @throws MeetupError if the folder is missing or can't be read.
 */
export async function findDrops(data: string, entities: readonly string[]): Promise<FoundDrops> {
  const entries = await entriesOf(data);
  const folders = entries.filter(({ kind, name }) => kind === 'folder' && !OTHER_FOLDERS.has(name));
  const days = folders.map(({ name }) => name).filter(isDropName);
  const found = await Promise.all([undefined, ...days].map((date) => readDrop(data, date, entities)));
  const others = await Promise.all(
    folders.filter(({ name }) => !days.includes(name)).map(({ name }) => otherFolder(data, name, DAYS)),
  );
  return {
    drops: found.map(({ drop }) => drop).filter(({ files }) => files.length > 0),
    notLoaded: [...others.flat(), ...found.flatMap(({ notLoaded }) => notLoaded)],
  };
}

/**
 * The SHA-256 of a file's bytes, and how many bytes and lines it has.
 * @throws MeetupError if it can't be read.
 */
export async function fingerprint(path: string, signal: AbortSignal): Promise<Fingerprint> {
  const hash = createHash('sha256');
  const lines = new LineScanner(false);
  let bytes = 0;
  try {
    const file = await open(path);
    try {
      for await (const chunk of chunksOf(file)) {
        signal.throwIfAborted();
        hash.update(chunk);
        lines.push(chunk);
        bytes += chunk.length;
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    if (signal.aborted) throw error;
    throw new MeetupError(`${path} can't be read (${messageOf(error)}): fix or remove it and load again.`, {
      cause: error,
    });
  }
  const { lines: count, longest } = lines.end();
  return { sha256: hash.digest('hex'), bytes, lines: { count, longest } };
}

/** Yields a file's bytes in one buffer, which is filled again for the next chunk: new ones would keep the garbage collector busy. */
async function* chunksOf(file: FileHandle): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.allocUnsafe(1 << 20);
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

async function readDrop(
  data: string,
  date: string | undefined,
  entities: readonly string[],
): Promise<{ drop: Drop; notLoaded: NotLoaded[] }> {
  const folder = date === undefined ? data : join(data, date);
  const files: DropFile[] = [];
  const notLoaded: NotLoaded[] = [];
  let hasManifest = false;
  for (const { name, kind } of await entriesOf(folder)) {
    const sourceFile = date === undefined ? name : `${date}/${name}`;
    const named = entityOfFile(name);
    const isJson = named !== undefined;
    const entity = entities.find((candidate) => candidate === named);
    if (kind === 'file' && entity !== undefined) {
      const other = files.find((file) => file.entity === entity);
      if (other !== undefined) throw twoFiles(folder, entity, other, sourceFile);
      files.push({ entity, path: join(folder, name), sourceFile, isComplete: false });
    } else if (kind === 'file' && name === MANIFEST) {
      hasManifest = true;
    } else if (kind === 'folder') {
      if (isJson) notLoaded.push({ name: `${sourceFile}/`, why: 'it is a folder' });
      else if (date !== undefined)
        notLoaded.push(...(await otherFolder(data, sourceFile, "a day's folder can't contain folders")));
    } else if (JSONLIKE.test(name))
      notLoaded.push({ name: sourceFile, why: kind === 'file' ? `files are named ${entities.join(', ')}` : WHY[kind] });
    else if (date === undefined && DAYLIKE.test(name)) {
      notLoaded.push({ name, why: kind === 'dangling' ? WHY.dangling : 'it is not a folder' });
    }
  }
  if (!hasManifest) return { drop: { date, folder, files }, notLoaded };
  const present = files.map(({ entity }) => entity);
  const complete = await readManifest(join(folder, MANIFEST), present);
  const told = files.map((file) => ({ ...file, isComplete: complete.has(file.entity) }));
  return { drop: { date, folder, files: told }, notLoaded };
}

/** Refuses two files of one entity, because their order is unknown. */
const twoFiles = (folder: string, entity: string, { sourceFile }: DropFile, other: string): MeetupError =>
  new MeetupError(
    `${folder} has two files of ${entity}, ${sourceFile} and ${other}: keep one, or put each into the folder of its day. Nothing was loaded.`,
  );

const WHY: Readonly<Record<Exclude<Kind, 'folder' | 'file'>, string>> = {
  dangling: 'it is a link to nothing',
  other: 'it is not a regular file',
};

/** Reports a folder that isn't a drop if its name or content looks like one. */
async function otherFolder(data: string, name: string, why: string): Promise<NotLoaded[]> {
  if (JSONLIKE.test(name)) return [];
  const entries = await readdir(join(data, name)).catch(() => []);
  return DAYLIKE.test(name) || entries.some((entry) => JSONLIKE.test(entry)) ? [{ name: `${name}/`, why }] : [];
}

type Kind = 'file' | 'folder' | 'dangling' | 'other';

/** A folder's entries by name, with links followed and hidden files left out. */
async function entriesOf(folder: string): Promise<{ name: string; kind: Kind }[]> {
  try {
    const names = (await readdir(folder)).filter((name) => !name.startsWith('.')).sort();
    return await Promise.all(names.map(async (name) => ({ name, kind: await kindOf(join(folder, name)) })));
  } catch (error) {
    const what = hasCode(error, 'ENOENT')
      ? `The data folder ${folder} does not exist: create it, choose another with --data, or run \`./meetup generate\`.`
      : `The data folder ${folder} can't be read (${messageOf(error)}): choose another with --data.`;
    throw new MeetupError(what, { cause: error });
  }
}

async function kindOf(path: string): Promise<Kind> {
  try {
    const found = await stat(path);
    return found.isFile() ? 'file' : found.isDirectory() ? 'folder' : 'other';
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ELOOP')) return 'dangling';
    throw error;
  }
}

/** Whether a folder of this name is a day's drop. */
export function isDropName(name: string): boolean {
  if (!DATED.test(name)) return false;
  const moment = new Date(`${name}T00:00:00Z`);
  return !Number.isNaN(moment.getTime()) && moment.toISOString().startsWith(name);
}
