import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Effects } from '../config/effects.ts';
import type { Paths } from '../config/paths.ts';
import { forgetBuilt, forgetNodes } from '../engine/built-stamp.ts';
import { type Drop, findDrops, fingerprint } from '../ingest/drops.ts';
import {
  filesToRedact,
  type RedactedFile,
  redactFile,
  replaceFile,
  searchFile,
} from '../ingest/forgotten/redact-file.ts';
import type { Forgotten } from '../ingest/forgotten/redact-record.ts';
import type { Contracts } from '../ingest/schemas.ts';
import { type DuckDbWarehouse, openWork } from '../warehouse/duckdb.ts';
import { dropBuilt, writeAnew } from './new-database.ts';
import { countsIn, type FoundRows, findRawRows, findRejected, findSnapshotRows } from './raw-rows.ts';
import type { Receipt } from './receipts.ts';
import { type NewVersion, removeRows } from './remove-rows.ts';

/** What is searched and changed: the data folder and the working database. The caller holds the write lock. */
export interface Places {
  readonly paths: Paths;
  readonly contracts: Contracts;
  readonly effects: Effects;
}

/** Counts what is forgotten in the data files and in a database, the working one by default. Changes nothing. */
export async function searchLocal(
  places: Places,
  forgotten: Forgotten,
  open = openWork,
): Promise<Pick<Receipt, 'files' | 'tables' | 'notSearched'>> {
  const { drops, notLoaded } = await dropsOf(places);
  const files: Receipt['files'] = [];
  for (const { path, sourceFile, redact } of filesToRedact(drops, places.contracts, forgotten)) {
    places.effects.reporter.progress(`Searching ${sourceFile} …`);
    const counts = await searchFile(path, redact);
    if (counts.removed + counts.changed > 0) files.push({ file: sourceFile, ...counts });
  }
  const found = await onDatabase(places, open, (warehouse) => rowsToRemove(warehouse, places, forgotten));
  const tables = (found ?? []).map((rows) => ({ table: `${rows.schema}.${rows.table}`, ...countsIn(rows) }));
  return { files, tables, notSearched: notLoaded.map(({ name }) => name) };
}

/**
 * Takes what is forgotten out of the data files and the working database. Killed at any moment, it can be repeated: the database is
 * changed in one transaction, and a file that is still the old one is written anew by the next `load` too.
 */
export async function removeLocal(places: Places, forgotten: Forgotten): Promise<void> {
  const { paths, contracts, effects } = places;
  const redacted = await redactFiles(places, (await dropsOf(places)).drops, forgotten);
  // What is built no longer follows from the batches. It is forgotten first, so that a killed process costs a build, never skips one.
  await forgetBuilt(paths);
  await forgetNodes(paths);
  const isThere = await onDatabase(places, openWork, async (warehouse) => {
    effects.reporter.progress('Removing rows …');
    await warehouse.run('begin transaction');
    try {
      const found = await rowsToRemove(warehouse, places, forgotten);
      await removeRows(
        warehouse,
        found,
        redacted.map(({ version }) => version),
        contracts,
      );
      await dropBuilt(warehouse);
      await warehouse.run('commit');
    } catch (error) {
      await warehouse.run('rollback');
      throw error;
    }
    return true;
  });
  if (isThere) await writeAnew(paths);
  for (const { file } of redacted) await replaceFile(file);
}

/** What meetup wrote into the state folder about rows: uploads, messages of failed tests, compiled SQL, logs, manifests. All of it is made again. */
const CLEARED = [
  'deploy/landing',
  'deploy/logs',
  // Manifests hold the rows of fixtures.
  'deploy/manifests',
  'deploy/manifest.json',
  'deploy/dbt-target',
  'branches',
  'pull',
  'checks',
  'diff',
  'vitest',
  'fixtures-remote',
  'scenario-data',
  'test-new',
  'builds.json',
];

/** Removes files in the state folder that may hold something forgotten. @returns those that were there. */
export async function clearState(paths: Paths): Promise<string[]> {
  const places = [...CLEARED.map((name) => join(paths.state, name)), paths.dbtTarget, paths.logs];
  const there = places.filter((path) => existsSync(path));
  for (const path of there) await rm(path, { recursive: true, force: true, maxRetries: 3 });
  return there;
}

async function redactFiles(
  { contracts, effects }: Places,
  drops: readonly Drop[],
  forgotten: Forgotten,
): Promise<readonly { readonly file: RedactedFile; readonly version: NewVersion }[]> {
  const redacted: { file: RedactedFile; version: NewVersion }[] = [];
  for (const { path, sourceFile, redact } of filesToRedact(drops, contracts, forgotten)) {
    effects.reporter.progress(`Writing ${sourceFile} anew …`);
    const { sha256: before } = await fingerprint(path, effects.signal);
    const file = await redactFile(path, redact);
    if (file === undefined) continue;
    redacted.push({ file, version: { sourceFile, before, sha256: file.sha256, bytes: file.bytes } });
  }
  return redacted;
}

async function rowsToRemove(
  warehouse: DuckDbWarehouse,
  { contracts }: Places,
  forgotten: Forgotten,
): Promise<readonly FoundRows[]> {
  return [
    ...(await findRawRows(warehouse, contracts, forgotten)),
    ...(await findRejected(warehouse, contracts, forgotten)),
    ...(await findSnapshotRows(warehouse, contracts, forgotten)),
  ];
}

const dropsOf = async ({ paths, contracts }: Places): ReturnType<typeof findDrops> =>
  existsSync(paths.data) ? findDrops(paths.data, [...contracts.keys()]) : { drops: [], notLoaded: [] };

/** Works on a database with raw tables; undefined if there is none. */
async function onDatabase<T>(
  { paths }: Places,
  open: (paths: Paths) => Promise<DuckDbWarehouse>,
  work: (warehouse: DuckDbWarehouse) => Promise<T>,
): Promise<T | undefined> {
  if (!existsSync(paths.workDatabase)) return undefined;
  const warehouse = await open(paths);
  try {
    const { rows } = await warehouse.query(
      "select 1 from information_schema.tables where table_schema = 'raw' and table_name = 'loaded_files'",
    );
    return rows.length === 0 ? undefined : await work(warehouse);
  } finally {
    await warehouse.close();
  }
}
