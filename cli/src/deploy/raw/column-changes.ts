import type { RawColumn, RawTable } from '../../ingest/raw-tables.ts';
import { describeColumns } from '../../warehouse/databricks-columns.ts';
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
  const columns = await describeColumns(remote.connection, nameOn(remote, 'raw', table));
  return new Map(columns.map(({ name, type }) => [name.toLowerCase(), type]));
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
