import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DuckDbWarehouse } from '../../src/warehouse/duckdb.ts';
import { temporaryFolder } from '../support/effects.ts';

describe('a database that is opened to load', () => {
  it('has the same name and tables, and new rows lie in several row groups behind those of a table that exists', async () => {
    const path = join(await temporaryFolder(), "meetup's #1.duckdb");
    const insert = 'insert into raw.numbers select n, [{n: n}] from range(100_000) as r(n)';
    const usual = await DuckDbWarehouse.open(path, { readOnly: false });
    const name = await usual.query('select current_database()');
    await usual.run('create schema raw');
    await usual.run('create table raw.numbers (n bigint, list struct(n bigint)[])');
    await usual.run(insert);
    await usual.close();

    const loading = await DuckDbWarehouse.open(path, { readOnly: false, toLoad: true });
    expect((await loading.query('select current_database()')).rows).toEqual(name.rows);
    await loading.run(insert);
    await loading.close();

    const again = await DuckDbWarehouse.open(path, { readOnly: false });
    await again.run(insert);
    const { rows } = await again.query(
      `select count(*), sum(n), sum(list[1].n), (select count(distinct row_group_id) > 3 from pragma_storage_info('raw.numbers')) from raw.numbers`,
    );
    expect(rows.map((row) => row.map(String))).toEqual([['300000', '14999850000', '14999850000', 'true']]);
    await again.close();
  });

  it("is named if it can't be opened", async () => {
    const path = join(await temporaryFolder(), 'meetup.duckdb');
    await expect(DuckDbWarehouse.open(join(path, 'x.duckdb'), { readOnly: false, toLoad: true })).rejects.toThrow(
      `The database ${join(path, 'x.duckdb')} can't be opened`,
    );
  });
});
