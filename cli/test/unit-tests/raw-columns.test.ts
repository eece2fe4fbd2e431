import { expect, test } from 'vitest';
import { createRawTables } from '../../src/ingest/raw-tables.ts';
import { rawColumns } from '../../src/unit-tests/raw-columns.ts';
import { DuckDbWarehouse } from '../../src/warehouse/duckdb.ts';

test('the raw tables that fixtures stand on are those that load makes, types as DuckDB writes them', async () => {
  const warehouse = await DuckDbWarehouse.inMemory();
  await createRawTables(warehouse);
  const { rows } = await warehouse.query(
    `select 'raw.' || table_name, list([column_name, data_type] order by ordinal_position)
     from information_schema.columns where table_schema = 'raw' group by all`,
  );
  await warehouse.close();
  expect(rawColumns).toEqual(Object.fromEntries(rows));
});
