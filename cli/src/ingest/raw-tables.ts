import type { DuckDbWarehouse } from '../warehouse/duckdb.ts';
import { quoteIdentifier } from '../warehouse/sql.ts';
import { sqlType } from './contract/column-types.ts';
import { type Contracts, readContracts } from './schemas.ts';

/** A column of a raw table, in DuckDB's types. */
export interface RawColumn {
  readonly name: string;
  readonly type: string;
  readonly notNull: boolean;
}

/** One of the tables that `load` fills and the models read. */
export interface RawTable {
  readonly name: string;
  readonly columns: readonly RawColumn[];
  /** The column with the batch of a row. */
  readonly batchColumn: string;
  /** ORDER BY expressions for the order in which its rows were loaded. */
  readonly order: readonly string[];
}

type Declared = readonly (readonly [name: string, type: string])[];
const required = (columns: Declared): RawColumn[] => columns.map(([name, type]) => ({ name, type, notNull: true }));
const nullable = (columns: Declared): RawColumn[] => columns.map(([name, type]) => ({ name, type, notNull: false }));

/** The columns that record where a raw row or rejected record came from. */
const METADATA = required([
  ['_batch_id', 'VARCHAR'],
  ['_batch_seq', 'INTEGER'],
  ['_dropped_on', 'DATE'],
  ['_source_file', 'VARCHAR'],
  ['_record_index', 'BIGINT'],
  ['_loaded_at', 'TIMESTAMP'],
]);
const RECORD = { batchColumn: '_batch_id', order: ['_batch_seq', '_source_file', '_record_index'] };

/**
 * Raw tables other than those of the entities. `batches` comes last: by the time a batch is listed, all its rows are in the
 * others.
 */
const OWN_TABLES: readonly RawTable[] = [
  {
    name: 'rejected_records',
    ...RECORD,
    order: [...RECORD.order, 'rejected_id'],
    columns: [
      ...required([
        ['rejected_id', 'VARCHAR'],
        ['entity', 'VARCHAR'],
        ['reasons', 'VARCHAR[]'],
        ['record', 'VARCHAR'],
      ]),
      ...nullable([['line', 'BIGINT']]),
      ...METADATA,
    ],
  },
  {
    name: 'loaded_files',
    batchColumn: 'batch_id',
    order: ['batch_id', 'source_file', 'entity'],
    columns: [
      ...required([
        ['batch_id', 'VARCHAR'],
        ['entity', 'VARCHAR'],
        ['source_file', 'VARCHAR'],
        ['sha256', 'VARCHAR'],
        ['bytes', 'BIGINT'],
        ['records_read', 'BIGINT'],
        ['records_loaded', 'BIGINT'],
        ['records_rejected', 'BIGINT'],
      ]),
      // Null, which means false, in rows of versions that had no such column.
      ...nullable([['is_complete', 'BOOLEAN']]),
    ],
  },
  {
    name: 'batches',
    batchColumn: 'batch_id',
    order: ['batch_seq'],
    columns: required([
      ['batch_id', 'VARCHAR'],
      ['batch_seq', 'INTEGER'],
      ['dropped_on', 'DATE'],
      ['folder', 'VARCHAR'],
      ['loaded_at', 'TIMESTAMP'],
    ]),
  },
];

/** Every raw table: one for each entity, and the bookkeeping tables of load. None if there are no entities. */
export function rawTablesOf(contracts: Contracts): readonly RawTable[] {
  if (contracts.size === 0) return [];
  const entities = [...contracts].map(([name, { record }]): RawTable => {
    const columns = record.fields.map(([field, type]) => ({ name: field, type: sqlType(type), notNull: false }));
    return { name, ...RECORD, columns: [...columns, ...METADATA] };
  });
  return [...entities, ...OWN_TABLES];
}

/** The raw tables for the schemas in a folder. */
export const readRawTables = async (schemas: string): Promise<readonly RawTable[]> =>
  rawTablesOf(await readContracts(schemas));

/** Creates missing raw tables, and adds columns for new properties to existing ones. */
export async function createRawTables(warehouse: DuckDbWarehouse, tables: readonly RawTable[]): Promise<void> {
  await warehouse.run('create schema if not exists raw');
  const existing = await existingColumns(warehouse);
  for (const table of tables) {
    const { name, columns } = table;
    const known = existing.get(name);
    if (known === undefined) {
      await warehouse.run(createTable(table));
      continue;
    }
    for (const column of columns.filter((one) => !known.has(one.name))) {
      await warehouse.run(`alter table raw.${quoteIdentifier(name)} add column ${declared(column)}`);
    }
  }
}

/** The statement that creates a raw table in DuckDB. */
export function createTable({ name, columns }: RawTable): string {
  const list = columns.map((column) => `  ${declared(column)}${column.notNull ? ' not null' : ''}`);
  return `create table if not exists raw.${quoteIdentifier(name)} (\n${list.join(',\n')}\n)`;
}

const declared = ({ name, type }: RawColumn): string => `${quoteIdentifier(name)} ${type}`;

/** The types of all raw columns by table and name, as DuckDB writes them. */
export async function existingColumns(warehouse: DuckDbWarehouse): Promise<Map<string, Map<string, string>>> {
  const { rows } = await warehouse.query(
    "select table_name, column_name, data_type from duckdb_columns() where schema_name = 'raw' and database_name = current_database()",
  );
  const tables = new Map<string, Map<string, string>>();
  for (const [table, column, type] of rows) {
    const columns = tables.get(String(table)) ?? new Map<string, string>();
    tables.set(String(table), columns.set(String(column), String(type)));
  }
  return tables;
}

/** Ignores quotes because DuckDB quotes names inside types only if necessary. */
export const sameType = (one: string, other: string): boolean => plainType(one) === plainType(other);
const plainType = (type: string): string => type.replaceAll('"', '').replaceAll(/\s+/g, ' ').toUpperCase();
