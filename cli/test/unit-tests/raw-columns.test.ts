import { expect, test } from 'vitest';
import { resolvePaths } from '../../src/config/paths.ts';
import { createRawTables, readRawTables } from '../../src/ingest/raw-tables.ts';
import { readRawColumns } from '../../src/unit-tests/raw-columns.ts';
import { DuckDbWarehouse } from '../../src/warehouse/duckdb.ts';

test('fixtures see the same raw tables that load creates', async () => {
  const warehouse = await DuckDbWarehouse.inMemory();
  const { schemas } = resolvePaths({}, {}, process.cwd());
  await createRawTables(warehouse, await readRawTables(schemas));
  const { rows } = await warehouse.query(
    `select 'raw.' || table_name, list([column_name, data_type] order by ordinal_position)
     from information_schema.columns where table_schema = 'raw' group by all`,
  );
  await warehouse.close();
  // DuckDB quotes the names in a struct only if necessary.
  const unquoted = (columns: unknown): unknown => JSON.parse(JSON.stringify(columns).replaceAll('\\"', ''));
  expect(unquoted(await readRawColumns(schemas))).toEqual(unquoted(Object.fromEntries(rows)));
});
