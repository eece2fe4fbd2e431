import { isObject, type SchemaObject } from '../ingest/contract/json-schema.ts';
import type { Counts } from '../ingest/forgotten/redact-file.ts';
import { type Forgotten, type Redact, redactionOf, withoutRemoved } from '../ingest/forgotten/redact-record.ts';
import { existingColumns } from '../ingest/raw-tables.ts';
import { type Contracts, isLoadColumn, isReservedName } from '../ingest/schemas.ts';
import type { DuckDbWarehouse } from '../warehouse/duckdb.ts';
import { quoteIdentifier } from '../warehouse/sql.ts';

/** A row of a raw table that holds something forgotten. */
export interface FoundRow {
  readonly row: bigint;
  /** The values of changed columns, as JSON; undefined if the row is removed. */
  readonly changed?: ReadonlyMap<string, unknown>;
}

/** The rows of one table that hold something forgotten. */
export interface FoundRows {
  /** In its schema, without quotes. */
  readonly schema: string;
  readonly table: string;
  readonly rows: readonly FoundRow[];
}

/** The number of rows that are read at once. */
const PORTION = 2000;

/** Searches the raw tables of all entities, also of those that have no schema any more, for what is forgotten. */
export async function findRawRows(
  warehouse: DuckDbWarehouse,
  contracts: Contracts,
  forgotten: Forgotten,
): Promise<FoundRows[]> {
  const found: FoundRows[] = [];
  for (const [table, columns] of await existingColumns(warehouse)) {
    const redact = redactionOf(table, contracts, forgotten);
    if (redact === undefined || isReservedName(table) || !columns.has('_record_index')) continue;
    const own = [...columns.keys()].filter((name) => !isLoadColumn(name));
    const rows: FoundRow[] = [];
    for await (const { row, record } of recordsOf(warehouse, `raw.${quoteIdentifier(table)}`, own)) {
      const changed = changeOf(record, redact);
      if (changed !== undefined) rows.push(changed === 'removed' ? { row } : { row, changed });
    }
    if (rows.length > 0) found.push({ schema: 'raw', table, rows });
  }
  return found;
}

/** Rejected records that hold something forgotten anywhere; they are removed as a whole. */
export async function findRejected(
  warehouse: DuckDbWarehouse,
  contracts: Contracts,
  forgotten: Forgotten,
): Promise<FoundRows[]> {
  const columns = (await existingColumns(warehouse)).get('rejected_records');
  if (columns === undefined) return [];
  const redactions = new Map<string, Redact | undefined>();
  const rows: FoundRow[] = [];
  for await (const { row, record } of recordsOf(warehouse, 'raw.rejected_records', ['entity', 'record'])) {
    const entity = String(record.entity);
    if (!redactions.has(entity)) redactions.set(entity, redactionOf(entity, contracts, forgotten));
    const redaction = redactions.get(entity)?.(JSON.parse(String(record.record)));
    if (redaction !== undefined && redaction.kind !== 'untouched') rows.push({ row });
  }
  return rows.length === 0 ? [] : [{ schema: 'raw', table: 'rejected_records', rows }];
}

/**
 * Rows of snapshots, which can't be built again, that hold something forgotten in a column or a field with the name of a key; they are
 * removed as a whole.
 */
export async function findSnapshotRows(
  warehouse: DuckDbWarehouse,
  contracts: Contracts,
  forgotten: Forgotten,
): Promise<FoundRows[]> {
  const redact = redactionOf('', contracts, forgotten);
  if (redact === undefined) return [];
  const found: FoundRows[] = [];
  for (const { schema, table, columns } of await snapshotsIn(warehouse)) {
    const rows: FoundRow[] = [];
    const place = `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
    for await (const { row, record } of recordsOf(warehouse, place, columns)) {
      if (redact(record).kind !== 'untouched') rows.push({ row });
    }
    if (rows.length > 0) found.push({ schema, table, rows });
  }
  return found;
}

/** The tables that dbt's snapshots write, by the column that they all have. */
export async function snapshotsIn(
  warehouse: DuckDbWarehouse,
): Promise<readonly { schema: string; table: string; columns: readonly string[] }[]> {
  const { rows } = await warehouse.query(
    `select schema_name, table_name, to_json(list(column_name))::varchar from duckdb_columns()
     where database_name = current_database() and schema_name <> 'raw' and not internal
       and table_name in (select table_name from duckdb_tables() where database_name = current_database())
     group by all having list_contains(list(column_name), 'dbt_scd_id') order by all`,
  );
  return rows.map(([schema, table, columns]) => {
    const names: unknown = JSON.parse(String(columns));
    return { schema: String(schema), table: String(table), columns: Array.isArray(names) ? names.map(String) : [] };
  });
}

/** How many of the rows are removed and changed. */
export function countsIn({ rows }: FoundRows): Counts {
  const changed = rows.filter((row) => row.changed !== undefined).length;
  return { removed: rows.length - changed, changed };
}

/** The columns that change, as null for those that are emptied; undefined if the record holds nothing forgotten. */
function changeOf(record: SchemaObject, redact: Redact): ReadonlyMap<string, unknown> | 'removed' | undefined {
  const redaction = redact(record);
  if (redaction.kind === 'untouched') return undefined;
  if (redaction.kind === 'removed') return 'removed';
  const left = withoutRemoved(record, redaction.removals);
  const columns = new Set(redaction.removals.map(({ path }) => String(path[0])));
  return new Map([...columns].map((column) => [column, left[column] ?? null]));
}

async function* recordsOf(
  warehouse: DuckDbWarehouse,
  place: string,
  columns: readonly string[],
): AsyncGenerator<{ row: bigint; record: SchemaObject }> {
  const fields = columns.map((name) => `${quoteIdentifier(name)} := ${quoteIdentifier(name)}`);
  for (let after = '-1'; ; ) {
    const { rows } = await warehouse.query(
      `select rowid::varchar, to_json(struct_pack(${fields.join(', ')}))::varchar from ${place}
       where rowid > ${after} order by rowid limit ${PORTION}`,
    );
    const last = rows.at(-1);
    if (last === undefined) return;
    for (const [row, text] of rows) {
      const record: unknown = JSON.parse(String(text));
      if (isObject(record)) yield { row: BigInt(String(row)), record };
    }
    after = String(last[0]);
  }
}
