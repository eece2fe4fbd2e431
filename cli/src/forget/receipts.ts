import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeAtomically } from '../config/atomic-file.ts';
import { hasCode } from '../config/errors.ts';
import { readJsonFile } from '../config/json-file.ts';
import type { Paths } from '../config/paths.ts';
import { tombstoneSchema } from '../ingest/forgotten/tombstones.ts';

const counted = { removed: z.number(), changed: z.number() };

/** What is removed where. It holds no value of the forgotten record but its hash. */
const receiptSchema = z.strictObject({
  tombstone: tombstoneSchema,
  /** The version of meetup. */
  version: z.string(),
  /** When it was done, in ISO 8601; null while it is not. */
  finishedAt: z.string().nullable(),
  /** Data files, and how many of their records were removed and changed. */
  files: z.array(z.strictObject({ file: z.string(), ...counted })),
  /** Tables of the database, and how many of their rows were removed and changed. */
  tables: z.array(z.strictObject({ table: z.string(), ...counted })),
  /** Fixtures and scenarios that have the value under the name of the key, and whether they have another one now. */
  fixtures: z.array(z.strictObject({ file: z.string(), lines: z.array(z.number()), rewritten: z.boolean() })),
  /** Files in the data folder that are no data to meetup and were not searched. */
  notSearched: z.array(z.string()),
  /** Targets on which files land in a volume: nothing is removed there. */
  landedOn: z.array(z.string()).default([]),
  /** Files and folders in the state folder that were removed, because they may have held something. */
  cleared: z.array(z.string()),
});
export type Receipt = z.infer<typeof receiptSchema>;

/** What a deployment removed from a target because something was forgotten. */
export interface TargetReceipt {
  readonly target: string;
  readonly catalog: string;
  readonly deployment: string;
  /** The version of meetup. */
  readonly version: string;
  readonly finishedAt: string;
  /** Ids of the tombstones; none if an earlier deployment replaced the rows and this one only removed earlier versions. */
  readonly tombstones: readonly string[];
  /** Tables that lost their earlier versions. */
  readonly vacuumed: readonly string[];
  /** Tables that were only kept for a rollback. */
  readonly dropped: readonly string[];
}

/** The receipts, and in `pending/` those of what has begun and not ended. */
const folderOf = ({ state }: Pick<Paths, 'state'>): string => join(state, 'forgotten');
const pendingFolder = (paths: Pick<Paths, 'state'>): string => join(folderOf(paths), 'pending');

/** What was begun and not finished, because the process died or the marts could not be built. */
export async function pendingReceipts(paths: Pick<Paths, 'state'>): Promise<readonly Receipt[]> {
  const names = await readdir(pendingFolder(paths)).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  });
  const files = names.filter((name) => name.endsWith('.json')).sort();
  return Promise.all(
    files.map((name) =>
      readJsonFile(join(pendingFolder(paths), name), receiptSchema, 'remove it, and forget the record again'),
    ),
  );
}

/** Records that something begins to be forgotten. */
export async function writePending(paths: Pick<Paths, 'state'>, receipt: Receipt): Promise<void> {
  await mkdir(pendingFolder(paths), { recursive: true });
  await writeAtomically(join(pendingFolder(paths), `${receipt.tombstone.id}.json`), JSON.stringify(receipt));
}

/**
 * Records that something was forgotten, as JSON and as text.
 * @returns the file with the text.
 */
export async function writeReceipt(paths: Pick<Paths, 'state'>, receipt: Receipt, text: string): Promise<string> {
  const file = join(folderOf(paths), receipt.tombstone.id);
  await mkdir(folderOf(paths), { recursive: true });
  await writeAtomically(`${file}.txt`, `${text}\n`);
  await writeAtomically(`${file}.json`, `${JSON.stringify(receipt, null, 2)}\n`);
  await rm(join(pendingFolder(paths), `${receipt.tombstone.id}.json`), { force: true });
  return `${file}.txt`;
}

/** Removes the pending receipts that aren't among these: each was replaced by a new one of the same record. */
export async function dropReplaced(paths: Pick<Paths, 'state'>, kept: readonly Receipt[]): Promise<void> {
  const ids = new Set(kept.map(({ tombstone }) => tombstone.id));
  for (const { tombstone } of await pendingReceipts(paths)) {
    if (!ids.has(tombstone.id)) await rm(join(pendingFolder(paths), `${tombstone.id}.json`), { force: true });
  }
}

/** Records what a deployment removed from a target. */
export async function writeTargetReceipt(paths: Pick<Paths, 'state'>, receipt: TargetReceipt): Promise<void> {
  await mkdir(folderOf(paths), { recursive: true });
  const file = join(folderOf(paths), `${receipt.target}-${receipt.deployment}.json`);
  await writeAtomically(file, `${JSON.stringify(receipt, null, 2)}\n`);
}
