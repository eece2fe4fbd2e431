import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { writeAtomically } from '../config/atomic-file.ts';
import type { Paths } from '../config/paths.ts';
import { type Pulled, pulledFile } from '../config/pulled.ts';
import { createRawTables, type RawTable } from '../ingest/raw-tables.ts';
import { DuckDbWarehouse } from '../warehouse/duckdb.ts';
import { quoteIdentifier, quoteLiteral } from '../warehouse/sql.ts';
import type { Received } from './receive.ts';
import { carriedType, fromCarried } from './types.ts';

/** DuckDB reads no longer line by default (bytes). */
const LONGEST_ROW = 64 * 1024 * 1024;

/**
 * Writes a sample, without personal data, as a new working database beside the present one, and then makes it the local data. Killed at
 * any moment, the local data is what it was or the sample.
 */
export async function writeSample(
  paths: Paths,
  received: readonly Received[],
  rawTables: readonly RawTable[],
  pulled: Pulled,
): Promise<void> {
  const folder = join(paths.state, pulled.folder);
  await removeOtherSamples(paths, paths.pulled?.folder);
  await mkdir(join(folder, 'work'), { recursive: true });
  const warehouse = await DuckDbWarehouse.open(join(folder, 'work', 'meetup.duckdb'), { readOnly: false });
  try {
    await warehouse.run(`set TimeZone = 'UTC'`);
    // `build` expects all of them, also those that no source names.
    if (rawTables.length > 0) await createRawTables(warehouse, rawTables);
    for (const [at, one] of received.entries()) await writeTable(warehouse, one, join(folder, `rows-${at}.json`));
  } finally {
    await warehouse.close();
  }
  await writeAtomically(pulledFile(paths.state), JSON.stringify(pulled));
  await removeOtherSamples(paths, pulled.folder);
}

/** Makes the loaded files the local data again, and removes the sample. */
export async function dropSample(paths: Paths): Promise<void> {
  await rm(pulledFile(paths.state), { force: true });
  await removeOtherSamples(paths, undefined);
}

/** Also what a killed `pull` left. */
async function removeOtherSamples({ state }: Paths, kept: string | undefined): Promise<void> {
  for (const name of await readdir(state)) {
    if (/^pulled-\w+$/.test(name) && name !== kept) await rm(join(state, name), { recursive: true, force: true });
  }
}

async function writeTable(warehouse: DuckDbWarehouse, { table, rows }: Received, file: string): Promise<void> {
  const place = `${quoteIdentifier(table.schema)}.${quoteIdentifier(table.table)}`;
  const columns = rows.columns.map(({ name, type }, at) => ({ name: quoteIdentifier(name), type, at: `c${at}` }));
  await warehouse.run(`create schema if not exists ${quoteIdentifier(table.schema)}`);
  const declared = columns.map(({ name, type }) => `${name} ${type}`).join(', ');
  await warehouse.run(`create or replace table ${place} (${declared})`);
  if (rows.rows.length === 0) return;
  const lines = rows.rows.map(
    (row) => `${JSON.stringify(Object.fromEntries(row.map((cell, at) => [`c${at}`, cell])))}\n`,
  );
  await pipeline(Readable.from(lines), createWriteStream(file, { mode: 0o600 }));
  const carried = columns.map(({ type, at }) => `${at}: ${quoteLiteral(carriedType(type))}`).join(', ');
  const values = columns.map(({ type, at }) => fromCarried(at, type)).join(', ');
  await warehouse.run(
    `insert into ${place} select ${values} from read_json(${quoteLiteral(file)}, format = 'newline_delimited', columns = {${carried}}, maximum_object_size = ${LONGEST_ROW})`,
  );
  await rm(file);
}
