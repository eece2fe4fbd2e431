import type { RawColumn, RawTable } from '../../ingest/raw-tables.ts';
import { quoteName } from '../../warehouse/databricks-sql.ts';
import { databricksType } from '../../warehouse/databricks-types.ts';
import { mapConcurrently } from '../../warehouse/map-concurrently.ts';
import { nameOn, type Remote } from '../remote.ts';
import { needsMapping, TO_MAPPING, tableClause } from './land.ts';

/** How the columns of a raw table on the target differ from those that its schema makes. */
export interface ColumnChanges {
  readonly table: string;
  readonly added: readonly RawColumn[];
  /** Columns with another type. Delta can't change most types in place, so the table is written anew. */
  readonly retyped: readonly { readonly name: string; readonly from: string; readonly to: string }[];
}

export const isRewritten = ({ retyped }: ColumnChanges): boolean => retyped.length > 0;

/**
 * The raw tables whose columns have changed since they were made on the target. A column that the schema no longer has stays.
 * @param tables the tables that exist on the target.
 */
export async function findColumnChanges(remote: Remote, tables: readonly RawTable[]): Promise<ColumnChanges[]> {
  const found = await mapConcurrently(tables, async ({ name: table, columns }) => {
    const known = await typesOf(remote, table);
    const changes: ColumnChanges = {
      table,
      added: columns.filter(({ name }) => !known.has(name.toLowerCase())),
      retyped: columns.flatMap(({ name, type }) => {
        const from = known.get(name.toLowerCase());
        const to = databricksType(type);
        return from === undefined || isSame(from, to) ? [] : [{ name, from, to }];
      }),
    };
    return changes;
  });
  return found.filter(({ added, retyped }) => added.length + retyped.length > 0);
}

/** Compares a type that a target describes, in which names are not quoted, with one of ours. */
const isSame = (described: string, ours: string): boolean => plain(described) === plain(ours);

const plain = (type: string): string =>
  type
    .replaceAll('`', '')
    .replaceAll(/([,:])\s+/g, '$1')
    .toLowerCase();

/** The types of a raw table's columns, by their names in lower case. */
async function typesOf(remote: Remote, table: string): Promise<ReadonlyMap<string, string>> {
  const rows = await remote.connection.rows(`describe table ${nameOn(remote, 'raw', table)}`);
  // After the columns come an empty line and further sections.
  const end = rows.findIndex(({ col_name: column }) => column === '' || String(column).startsWith('#'));
  const described = (end === -1 ? rows : rows.slice(0, end)).map(
    ({ col_name: column, data_type: type }): Described => ({
      column: String(column),
      type: String(type),
    }),
  );
  const shortened = described.filter(({ type }) => SHORTENED.test(type)).map(({ column }) => column);
  const whole = shortened.length === 0 ? described : [...described, ...(await wholeTypes(remote, table, shortened))];
  return new Map(whole.map(({ column, type }) => [column.toLowerCase(), type]));
}

interface Described {
  readonly column: string;
  readonly type: string;
}

/** How Spark ends a struct of more than 25 fields (spark.sql.debug.maxToStringFields) that it describes. */
const SHORTENED = /\.\.\. \d+ more field/;

/** The types of some columns as `typeof` names them, which shortens none. A row of nulls is enough, so the table isn't read. */
async function wholeTypes(remote: Remote, table: string, columns: readonly string[]): Promise<readonly Described[]> {
  const quoted = columns.map(quoteName);
  const [row = {}] = await remote.connection.rows(
    `select ${quoted.map((column, i) => `typeof(${column}) as type_${i}`).join(', ')} from (
       select ${quoted.join(', ')} from ${nameOn(remote, 'raw', table)} where false
       union all select ${quoted.map(() => 'null').join(', ')}
     )`,
  );
  return columns.map((column, i) => ({ column, type: String(row[`type_${i}`]) }));
}

/** The statements that change a raw table: with new columns, rows that are there have null; with new types, it is empty. */
export function changeColumnsStatements(
  remote: Pick<Remote, 'catalog'>,
  changes: ColumnChanges,
  rawTables: readonly RawTable[],
): string[] {
  const place = nameOn(remote, 'raw', changes.table);
  if (!isRewritten(changes)) {
    const list = changes.added.map(({ name, type }) => `${quoteName(name)} ${databricksType(type)}`);
    const mapping = needsMapping(changes.added) ? [`alter table ${place} set ${TO_MAPPING}`] : [];
    return [...mapping, `alter table ${place} add columns (${list.join(', ')})`];
  }
  const table = rawTables.find(({ name }) => name === changes.table);
  if (table === undefined) throw new TypeError(`No raw table is called ${changes.table}.`);
  // Delta keeps the earlier versions, so that the table can be put back.
  return [`create or replace table ${place} ${tableClause(table)}`];
}
