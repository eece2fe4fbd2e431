import type { Paths } from '../../src/config/paths.ts';
import { type DuckDbWarehouse, openPublished, openWork } from '../../src/warehouse/duckdb.ts';
import type { Cell } from '../../src/warehouse/warehouse.ts';

type Rows = readonly (readonly Cell[])[];

/** What a query returns on the working database. */
export const workRows = async (paths: Paths, sql: string): Promise<Rows> => rowsOf(await openWork(paths), sql);

/** What a query returns on the published database. */
export const publishedRows = async (paths: Paths, sql: string): Promise<Rows> =>
  rowsOf(await openPublished(paths), sql);

async function rowsOf(warehouse: DuckDbWarehouse, sql: string): Promise<Rows> {
  try {
    return (await warehouse.query(sql)).rows;
  } finally {
    await warehouse.close();
  }
}
