import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { RawTable } from '../../ingest/raw-tables.ts';
import type { DuckDbWarehouse } from '../../warehouse/duckdb.ts';
import { quoteIdentifier, quoteLiteral } from '../../warehouse/sql.ts';
import type { Batch } from './batches.ts';

/** One Parquet file with the rows of one raw table that the target lacks. */
export interface Upload {
  readonly table: string;
  readonly file: string;
  /** Its name in the volume, derived from its content, so that an existing file need not be sent again. */
  readonly name: string;
  readonly rows: number;
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * Writes the rows of these batches as Parquet (zstd), one file per raw table that has any.
 * @param folder where the files go; a file of an earlier run with the same content is overwritten.
 * @param whole names of tables of which all rows are written.
 */
export async function exportBatches(
  local: DuckDbWarehouse,
  batches: readonly Batch[],
  folder: string,
  rawTables: readonly RawTable[],
  whole: ReadonlySet<string> = new Set(),
): Promise<Upload[]> {
  if (batches.length + whole.size === 0) return [];
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const ids = batches.map(({ id }) => quoteLiteral(id));
  const uploads: Upload[] = [];
  for (const table of rawTables) {
    const isNew = ids.length === 0 ? 'false' : `${quoteIdentifier(table.batchColumn)} in (${ids.join(', ')})`;
    const upload = await exportTable(local, table, whole.has(table.name) ? 'true' : isNew, folder);
    if (upload !== undefined) uploads.push(upload);
  }
  return uploads;
}

async function exportTable(local: DuckDbWarehouse, table: RawTable, condition: string, folder: string) {
  const chosen = `from raw.${quoteIdentifier(table.name)} where ${condition}`;
  const { rows: counted } = await local.query(`select count(*) ${chosen}`);
  const rows = Number(counted[0]?.[0] ?? 0);
  if (rows === 0) return undefined;
  const temporary = join(folder, `${table.name}.parquet`);
  const columns = table.columns.map(({ name }) => quoteIdentifier(name)).join(', ');
  const order = table.order.map(quoteIdentifier).join(', ');
  await local.run(
    `copy (select ${columns} ${chosen} order by ${order}) to ${quoteLiteral(temporary)} (format parquet, compression zstd)`,
  );
  const sha256 = await sha256Of(temporary);
  const name = `${table.name}-${sha256.slice(0, 32)}.parquet`;
  const file = join(folder, name);
  await rename(temporary, file);
  return { table: table.name, file, name, rows, bytes: (await stat(file)).size, sha256 };
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
