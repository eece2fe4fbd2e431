import { z } from 'zod';
import { MeetupError } from '../../config/errors.ts';
import type { RawTable } from '../../ingest/raw-tables.ts';
import { isLoadColumn } from '../../ingest/schemas.ts';
import { isNotThere } from '../../warehouse/databricks-errors.ts';
import { quoteName, quoteNames } from '../../warehouse/databricks-sql.ts';
import { databricksType } from '../../warehouse/databricks-types.ts';
import { type DuckDbType, parseType } from '../../warehouse/duckdb-type.ts';
import { nameOn, type Remote, volumePath } from '../remote.ts';
import type { Upload } from './export.ts';

const LANDING = 'landing';

/** The path of an upload in the volume. */
export const landingPath = (remote: Pick<Remote, 'catalog'>, { name }: Pick<Upload, 'name'>): string =>
  volumePath(remote, LANDING, name);

export const rawSchemaStatement = ({ catalog }: Pick<Remote, 'catalog'>): string =>
  `create schema if not exists ${quoteNames(catalog, 'raw')}`;

/** The statements that create the missing raw tables. */
export function rawTableStatements(remote: Pick<Remote, 'catalog'>, rawTables: readonly RawTable[]): string[] {
  return rawTables.map(
    (table) => `create table if not exists ${nameOn(remote, 'raw', table.name)} ${tableClause(table)}`,
  );
}

/** Delta only allows names such as `first name` in tables that map names to columns. */
const MAPPING = `'delta.columnMapping.mode' = 'name'`;
export const TO_MAPPING = `tblproperties (${MAPPING})`;

/** Whether names of columns, or of fields in them, have characters that Delta forbids without a mapping. */
export const needsMapping = (columns: RawTable['columns']): boolean =>
  columns.some(({ name, type }) => /[ ,;{}()=]/.test(name) || hasForbiddenField(parseType(type)));

function hasForbiddenField(type: DuckDbType): boolean {
  if (type.kind === 'list') return hasForbiddenField(type.item);
  if (type.kind === 'map') return hasForbiddenField(type.key) || hasForbiddenField(type.value);
  if (type.kind !== 'struct') return false;
  return [...type.fields].some(([name, field]) => /[ ,;{}()=]/.test(name) || hasForbiddenField(field));
}

/** A raw table's columns and format, as they are declared on a target. */
export function tableClause(table: RawTable): string {
  const list = table.columns.map(
    ({ name, type, notNull }) => `${quoteName(name)} ${databricksType(type)}${notNull ? ' not null' : ''}`,
  );
  return `(${list.join(', ')}) ${tableFormat(table)}`;
}

/** How a raw table is stored on a target. */
export function tableFormat({ columns }: Pick<RawTable, 'columns'>): string {
  const properties = [...(needsMapping(columns) ? [MAPPING] : []), ...statisticsOf(columns)];
  return `using delta${properties.length === 0 ? '' : ` tblproperties (${properties.join(', ')})`}`;
}

/**
 * The table property with the columns whose lowest and highest values Delta's log may hold. Of records these are only those that say where a
 * record came from: the log outlives the rows, so it would keep a forgotten value for as long as its retention.
 */
export function statisticsOf(columns: RawTable['columns']): string[] {
  const own = columns.map(({ name }) => name).filter(isLoadColumn);
  return own.length === 0 ? [] : [`'delta.dataSkippingStatsColumns' = '${own.join(',')}'`];
}

/**
 * The statement that adds an upload to its table, in one commit. It skips batches that the table has, so it can be repeated.
 */
export function appendStatement(
  remote: Pick<Remote, 'catalog'>,
  upload: Pick<Upload, 'table' | 'name'>,
  rawTables: readonly RawTable[],
): string {
  const table = tableNamed(upload.table, rawTables);
  const place = nameOn(remote, 'raw', table.name);
  const names = table.columns.map(({ name }) => quoteName(name));
  const casts = table.columns.map(({ name, type }) => `cast(${quoteName(name)} as ${databricksType(type)})`);
  const batch = quoteName(table.batchColumn);
  return `insert into ${place} (${names.join(', ')}) select ${casts.join(', ')} from parquet.${quoteName(landingPath(remote, upload))} where ${batch} not in (select ${batch} from ${place})`;
}

/** The statements that empty the raw tables, for a --full-refresh. */
export const clearStatements = (remote: Pick<Remote, 'catalog'>, rawTables: readonly RawTable[]): string[] =>
  rawTables.map(({ name }) => `delete from ${nameOn(remote, 'raw', name)}`);

function tableNamed(name: string, rawTables: readonly RawTable[]): RawTable {
  const table = rawTables.find((candidate) => candidate.name === name);
  if (table === undefined) throw new TypeError(`No raw table is called ${name}.`);
  return table;
}

const fileSchema = z.array(z.object({ length: z.coerce.number(), sha: z.string() }));

/**
 * Uploads a file unless the volume has all of it, and reads it back to verify it.
 * @returns the number of bytes sent.
 * @throws MeetupError if the uploaded file differs.
 */
export async function uploadFile(remote: Remote, upload: Upload): Promise<number> {
  if (await hasArrived(remote, upload)) return 0;
  const path = landingPath(remote, upload);
  await remote.connection.put(upload.file, path);
  if (!(await hasArrived(remote, upload))) {
    throw new MeetupError(`${path} differs from the uploaded file (checksum mismatch): deploy again.`);
  }
  return upload.bytes;
}

async function hasArrived(remote: Remote, upload: Upload): Promise<boolean> {
  try {
    const path = quoteName(landingPath(remote, upload));
    const files = fileSchema.parse(
      await remote.connection.rows(`select length, sha2(content, 256) as sha from binaryFile.${path}`),
    );
    return files[0]?.length === upload.bytes && files[0].sha === upload.sha256;
  } catch (error) {
    if (isNotThere(error)) return false;
    throw error;
  }
}

const listedSchema = z.array(z.object({ name: z.string() }));

/** Removes all uploads: their rows are in the tables, or their deployment was undone. */
export async function clearLanding(remote: Remote): Promise<void> {
  const folder = quoteName(volumePath(remote, LANDING));
  const files = listedSchema.parse(
    await remote.connection.rows(`select _metadata.file_name as name from binaryFile.${folder}`),
  );
  for (const { name } of files) await remote.connection.remove(landingPath(remote, { name }));
}
