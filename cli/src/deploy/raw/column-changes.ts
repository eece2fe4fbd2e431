import type { RawColumn, RawTable } from '../../ingest/raw-tables.ts';
import { quoteName } from '../../warehouse/databricks-sql.ts';
import { databricksType } from '../../warehouse/databricks-types.ts';
import { mapConcurrently } from '../../warehouse/map-concurrently.ts';
import { nameOn, type Remote } from '../remote.ts';

/** Columns that a raw table lacks on the target. */
export interface NewColumns {
  readonly table: string;
  readonly columns: readonly RawColumn[];
}

/**
 * The columns that schemas have gained since the target's raw tables were made. Only tables that get rows are looked at.
 * @param tables the tables that exist on the target.
 */
export async function findNewColumns(remote: Remote, tables: readonly RawTable[]): Promise<NewColumns[]> {
  const found = await mapConcurrently(tables, async ({ name, columns }) => {
    const rows = await remote.connection.rows(`describe table ${nameOn(remote, 'raw', name)}`);
    const known = new Set(rows.map(({ col_name: column }) => String(column).toLowerCase()));
    return { table: name, columns: columns.filter((column) => !known.has(column.name.toLowerCase())) };
  });
  return found.filter(({ columns }) => columns.length > 0);
}

/** The statement that adds them. Rows that are there have null. */
export function addColumnsStatement(remote: Pick<Remote, 'catalog'>, { table, columns }: NewColumns): string {
  const list = columns.map(({ name, type }) => `${quoteName(name)} ${databricksType(type)}`);
  return `alter table ${nameOn(remote, 'raw', table)} add columns (${list.join(', ')})`;
}
