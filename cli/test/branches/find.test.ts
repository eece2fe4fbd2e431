import { expect, it } from 'vitest';
import { findChanges } from '../../src/branches/changes/find.ts';
import type { MartChange } from '../../src/branches/changes/mart-change.ts';
import { duckDbSide, type Side } from '../../src/compare/side.ts';
import { DuckDbWarehouse } from '../../src/warehouse/duckdb.ts';

/** DuckDB's comparisons of null and NaN are Spark's, under another name. */
const asOnSpark = (side: Side): Side => ({
  ...side,
  texts: (sql) => side.texts(sql.replaceAll('<=>', 'is not distinct from')),
});

/** Compares two versions of a table with the columns `id` and `amount`. */
async function compared(before: string, after: string): Promise<MartChange | undefined> {
  const warehouse = await DuckDbWarehouse.inMemory();
  try {
    await warehouse.run('create macro percentile_approx(amount, share) as quantile_cont(amount, share)');
    for (const [schema, rows] of [
      ['marts', before],
      ['marts__branch_x', after],
    ]) {
      await warehouse.run(`create schema ${schema}`);
      await warehouse.run(`create table ${schema}.orders as select * from (values ${rows}) as t(id, amount)`);
    }
    const mart = { uniqueId: 'model.shop.orders', schema: 'marts', name: 'orders', keys: ['id'] };
    const place = ['marts__branch_x', 'orders'] as const;
    const side = asOnSpark(duckDbSide('dev', warehouse));
    const [change] = await findChanges(side, [{ ...mart, place, personal: new Set() }], () => undefined);
    return change;
  } finally {
    await warehouse.close();
  }
}

it('rows are paired by their key, and added, removed or changed', async () => {
  const change = await compared('(1, 1.5), (2, 2.5), (3, null)', '(1, 1.5), (2, 2.6), (4, 4.5)');
  expect(change).toMatchObject({ status: 'changed', added: 1, removed: 1, changed: 1, key: ['id'] });
  expect(change?.examples).toEqual([
    { kind: 'added', key: { id: '4' }, cells: [] },
    { kind: 'changed', key: { id: '2' }, cells: [{ column: 'amount', before: '2.5', after: '2.6' }] },
    { kind: 'removed', key: { id: '3' }, cells: [] },
  ]);
});

it.each([
  ['the same', '1e0', '1e0', 0],
  ['a sum in another order', '0.3e0', '0.1e0 + 0.2e0', 0],
  ['another number', '1e0', '1.00001e0', 1],
  ['null', '1e0', 'null::double', 1],
  ['NaN', '1e0', "'nan'::double", 1],
  ['infinite', '1e0', "'inf'::double", 1],
  ['infinite on the other side of zero', "'-inf'::double", "'inf'::double", 1],
  ['still NaN', "'nan'::double", "'nan'::double", 0],
])('a double that becomes %s is told', async (_what, before, after, changed) => {
  expect(await compared(`(1, ${before})`, `(1, ${after})`)).toMatchObject({ changed });
});
