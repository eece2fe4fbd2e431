import { rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MeetupError } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import { cannotWriteState } from '../config/state-folder.ts';
import { type DuckDbWarehouse, openWork } from '../warehouse/duckdb.ts';
import { anewMark } from '../warehouse/publish.ts';
import { quoteIdentifier, quoteLiteral } from '../warehouse/sql.ts';
import { sparePath } from '../warehouse/working-file.ts';
import { snapshotsIn } from './raw-rows.ts';

/**
 * Drops everything that a build makes from the raw tables, so that the next build makes all of it from what is left. Runs inside the
 * caller's transaction.
 */
export async function dropBuilt(warehouse: DuckDbWarehouse): Promise<void> {
  const kept = new Set((await snapshotsIn(warehouse)).map(({ schema, table }) => JSON.stringify([schema, table])));
  const { rows } = await warehouse.query(
    `select 'view', schema_name, view_name from duckdb_views() where database_name = current_database() and not internal
     union all
     select 'table', schema_name, table_name from duckdb_tables()
     where database_name = current_database() and not internal and not temporary and schema_name <> 'raw'`,
  );
  for (const [kind, schema, name] of rows) {
    if (kept.has(JSON.stringify([schema, name]))) continue;
    await warehouse.run(
      `drop ${String(kind)} if exists ${quoteIdentifier(String(schema))}.${quoteIdentifier(String(name))} cascade`,
    );
  }
}

/**
 * Replaces the working database by a copy of its content. Deleted rows stay in the free blocks of a DuckDB file, and the copy has none.
 * The caller holds the write lock, and nobody has the database open.
 */
export async function writeAnew(paths: Paths): Promise<void> {
  const copy = join(dirname(paths.workDatabase), 'anew.duckdb');
  const removeCopy = () => Promise.all(['', '.wal'].map((end) => rm(`${copy}${end}`, { force: true })));
  try {
    await removeCopy();
    const warehouse = await openWork(paths);
    try {
      const { rows } = await warehouse.query('select current_database()');
      await warehouse.run(`attach ${quoteLiteral(copy)} as anew`);
      await warehouse.run(`copy from database ${quoteIdentifier(String(rows[0]?.[0]))} to anew`);
      await warehouse.run('detach anew');
    } finally {
      await warehouse.close();
    }
    await writeFile(anewMark(paths), '');
    await rename(copy, paths.workDatabase);
    await rm(sparePath(paths), { force: true });
  } catch (error) {
    await removeCopy();
    throw error instanceof MeetupError ? error : cannotWriteState(paths, error);
  }
}
