import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { hasCode, MeetupError, messageOf } from '../config/errors.ts';
import { type EntityName, entityNames } from './entities.ts';

/** One folder's files: the dump in the data folder itself, or what one day brought. */
export interface Drop {
  /** `YYYY-MM-DD`; undefined for the undated dump. */
  readonly date: string | undefined;
  readonly folder: string;
  readonly files: readonly DropFile[];
}

export interface DropFile {
  readonly entity: EntityName;
  readonly path: string;
  /** Relative to the data folder, with forward slashes. */
  readonly sourceFile: string;
}

export interface FoundDrops {
  /** The dump first, then the days in order. Folders without files of ours are left out. */
  readonly drops: readonly Drop[];
  /** JSON files that no entity is named after. */
  readonly unknown: readonly string[];
}

const DATED = /^\d{4}-\d{2}-\d{2}$/;
const JSON_FILE = /\.(json|jsonl|ndjson)(\.gz)?$/;

/**
 * Finds what there is to load below the data folder: `groups.json`, `users.ndjson.gz`, … in the folder itself and in
 * folders named after days.
 * @throws MeetupError when the folder is missing or can't be read.
 */
export async function findDrops(data: string): Promise<FoundDrops> {
  const entries = await entriesOf(data);
  const days = entries.filter((entry) => entry.isDirectory() && DATED.test(entry.name)).map((entry) => entry.name);
  const found = await Promise.all([undefined, ...days.sort()].map((date) => readDrop(data, date)));
  const impossible = days.filter((day) => !isDay(day)).map((day) => `${day}/`);
  return {
    drops: found.map(({ drop }) => drop).filter((drop) => drop.files.length > 0 && (!drop.date || isDay(drop.date))),
    unknown: [...impossible, ...found.flatMap(({ unknown }) => unknown)],
  };
}

/** SHA-256 of a file's bytes, in hex. */
export async function fingerprint(path: string, signal: AbortSignal): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash, { signal });
  return { sha256: hash.digest('hex'), bytes: (await stat(path)).size };
}

async function readDrop(data: string, date: string | undefined): Promise<{ drop: Drop; unknown: string[] }> {
  const folder = date === undefined ? data : join(data, date);
  const names = (await entriesOf(folder)).filter((entry) => !entry.isDirectory() && JSON_FILE.test(entry.name));
  const files: DropFile[] = [];
  const unknown: string[] = [];
  for (const { name } of names.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const sourceFile = date === undefined ? name : `${date}/${name}`;
    const entity = entityNames.find((candidate) => name.replace(JSON_FILE, '') === candidate);
    if (entity !== undefined) files.push({ entity, path: join(folder, name), sourceFile });
    else if (!name.startsWith('.')) unknown.push(sourceFile);
  }
  return { drop: { date, folder, files }, unknown };
}

async function entriesOf(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (hasCode(error, 'ENOENT')) {
      throw new MeetupError(
        `The data folder ${folder} does not exist: make it, choose another with --data, or run \`./meetup generate\`.`,
        {
          cause: error,
        },
      );
    }
    throw new MeetupError(
      `The data folder ${folder} can't be read (${messageOf(error)}): choose another with --data.`,
      { cause: error },
    );
  }
}

function isDay(text: string): boolean {
  const moment = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(moment.getTime()) && moment.toISOString().startsWith(text);
}
