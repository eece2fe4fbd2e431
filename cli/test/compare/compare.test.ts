import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { compareMarts, type MartComparison } from '../../src/compare/compare.ts';
import type { MartSpec } from '../../src/compare/marts.ts';
import { duckDbSide, type Side } from '../../src/compare/side.ts';
import { DuckDbWarehouse } from '../../src/warehouse/duckdb.ts';
import { temporaryFolder } from '../support/effects.ts';

const TABLE = 'things';

/** A database file created by these statements, opened read-only. */
async function sideOf(name: string, statements: readonly string[]): Promise<Side> {
  const file = join(await temporaryFolder(), `${name}.duckdb`);
  const writer = await DuckDbWarehouse.open(file, { readOnly: false });
  await writer.run('create schema marts');
  await writer.run('set search_path = marts');
  for (const statement of statements) await writer.run(statement);
  await writer.close();
  const reader = await DuckDbWarehouse.open(file, { readOnly: true });
  onTestFinished(() => reader.close());
  return duckDbSide(name, reader);
}

interface Settings extends Partial<MartSpec> {
  readonly samples?: number;
}

async function compare(from: readonly string[], to: readonly string[], settings: Settings = {}) {
  const { samples, ...spec } = settings;
  const mart: MartSpec = { uniqueId: 'model.p.things', schema: 'marts', name: TABLE, keys: ['id'], ...spec };
  const [fromSide, toSide] = [await sideOf('dev', from), await sideOf('prod', to)];
  const options = { elapsed: () => performance.now(), ...(samples === undefined ? {} : { samples }) };
  const [compared] = await compareMarts(fromSide, toSide, [mart], options);
  if (compared === undefined) throw new Error('nothing was compared');
  return compared;
}

/** The table with one row, whose column `x` is this expression. */
const one = (expression: string): string[] => [`create table ${TABLE} as select 1::bigint as id, ${expression} as x`];

const THOUSAND = `create table ${TABLE} as
  select i::bigint as id, 'name ' || i as name, i / 7.0::double as share, timestamp '2024-01-01' + interval 1 minute * i as at
  from range(1000) as t(i)`;
const SHUFFLED = `create table ${TABLE} as
  select i::bigint as id, 'name ' || i as name, i / 7.0::double as share, timestamp '2024-01-01' + interval 1 minute * i as at
  from range(1000) as t(i) order by hash(i)`;

const NO_ROWS = { missing: 0, extra: 0, changed: 0 };
const cells = ({ differences }: MartComparison) => differences.flatMap((difference) => difference.cells);

describe('two tables are equal', () => {
  it('if their rows are in a different order', async () => {
    const { status, rows, counts, fingerprint } = await compare([THOUSAND], [SHUFFLED]);
    expect({ status, rows, counts }).toEqual({ status: 'equal', rows: { from: 1000, to: 1000 }, counts: NO_ROWS });
    expect(fingerprint.from).toBe(fingerprint.to);
    expect(fingerprint.from).toMatch(/^[1-9a-f][0-9a-f]{14,}$/);
  });

  it('if their columns are in a different order', async () => {
    const [from, to] = [`select 1 as id, 'a' as a, 'b' as b`, `select 'b' as b, 1 as id, 'a' as a`];
    expect(await compare([`create table ${TABLE} as ${from}`], [`create table ${TABLE} as ${to}`])).toMatchObject({
      status: 'equal',
    });
  });

  it('if both are empty', async () => {
    const empty = [`create table ${TABLE} (id bigint, x double)`];
    expect(await compare(empty, empty)).toMatchObject({ status: 'equal', rows: { from: 0, to: 0 } });
  });

  it.each([
    ['the last bits of a double', '0.1::double + 0.2::double', '0.3::double'],
    ['doubles within a billionth', '1000000000.0::double', '1000000000.5::double'],
    ['the two zeros', '-0.0::double', '0.0::double'],
    ['two NaNs', "'nan'::double", "'nan'::double"],
    ['two infinities', "'-inf'::double", "'-inf'::double"],
    ['the last bits inside an array', '[0.1::double + 0.2::double]', '[0.3::double]'],
    [
      'a timestamp with and without a time zone',
      "timestamp '2024-03-31 01:30:00'",
      "timestamptz '2024-03-31 01:30:00+00'",
    ],
    ['the order of map entries', "map {'a': 1, 'b': 2}", "map {'b': 2, 'a': 1}"],
  ])('if they only differ in %s', async (_what, from, to) => {
    expect(await compare(one(from), one(to))).toMatchObject({ status: 'equal', columns: [], counts: NO_ROWS });
  });

  it('if doubles are rounded differently in every row', async () => {
    const doubles = (nudge: string): string[] => [
      `create table ${TABLE} as select i as id, (1 + i * 1e-9 + ${nudge}) / 0.98765432109 as x from range(6000) as t(i)`,
    ];
    const compared = await compare(doubles('0.5e-9 - 4e-11'), doubles('0.5e-9 + 4e-11'));
    expect(compared.fingerprint.from).not.toBe(compared.fingerprint.to);
    expect(compared).toMatchObject({ status: 'equal', counts: NO_ROWS, more: false });
  });

  it.each([
    ['the width of integers', '7::integer', '7::bigint'],
    ['a sum of integers', '7::hugeint', '7::bigint'],
    ['the precision of decimals', '7.50::decimal(38, 2)', '7.50::decimal(12, 2)'],
    ['the width of integers inside an array', '[7::integer]', '[7::bigint]'],
  ])('if they only differ in %s, unless a contract says the types', async (_what, from, to) => {
    expect(await compare(one(from), one(to), { hasContract: false })).toMatchObject({ status: 'equal', columns: [] });
    expect(await compare(one(from), one(to))).toMatchObject({ status: 'different', columns: [{ column: 'x' }] });
  });

  it('if they only differ in ignored columns', async () => {
    const compared = await compare(one("'now'"), one("'then'"), { ignore: ['x'] });
    expect(compared).toMatchObject({ status: 'equal' });
  });
});

describe('a differing cell is found by its key', () => {
  it.each([
    ['a number', '7', '8', '7', '8'],
    ['a double', '1.0::double', '1.000000002::double', '1.0', '1.000000002'],
    ['a small double', '1e-12::double', '2e-12::double', '1e-12', '2e-12'],
    ['a NaN', "'nan'::double", '0.0::double', 'nan', '0.0'],
    ['infinity', "'inf'::double", "'-inf'::double", 'inf', '-inf'],
    ['a double that is null', 'null::double', '0.0::double', null, '0.0'],
    [
      'a timestamp',
      "timestamp '2024-03-31 01:30:00'",
      "timestamp '2024-03-31 01:30:00.000001'",
      '2024-03-31T01:30:00.000',
      '2024-03-31T01:30:00.000001',
    ],
    [
      'a timestamp before 1970',
      "timestamp '1969-12-31 23:59:59.999999'",
      "timestamp '1970-01-01 00:00:00'",
      '1969-12-31T23:59:59.999999',
      '1970-01-01T00:00:00.000',
    ],
    ['a date', "date '2024-02-29'", "date '2024-03-01'", '2024-02-29', '2024-03-01'],
    ['null and the empty string', 'null::varchar', "''", null, ''],
    ['null and the string null', 'null::varchar', "'null'", null, 'null'],
    ['letters that look alike', "'Zürich'", "'Zu\u0308rich'", 'Zürich', 'Zu\u0308rich'],
    ['whitespace', "'a'", "'a '", 'a', 'a '],
    ['letters beyond the basic plane', "'😀'", "'😁'", '😀', '😁'],
    ['a decimal', '1.10::decimal(9,2)', '1.11::decimal(9,2)', '1.10', '1.11'],
    ['a boolean', 'true', 'false', 'true', 'false'],
    ['bytes', "'\\x00\\xFF'::blob", "'\\x00\\xFE'::blob", '00FF', '00FE'],
  ])('%s', async (_what, from, to, shownFrom, shownTo) => {
    const compared = await compare(one(from), one(to));
    expect(compared).toMatchObject({ status: 'different', columns: [], counts: { ...NO_ROWS, changed: 1 } });
    expect(compared.changedColumns).toEqual(['x']);
    expect(compared.differences).toEqual([
      { kind: 'changed', key: { id: '1' }, cells: [{ column: 'x', from: shownFrom, to: shownTo }] },
    ]);
  });

  it.each([
    ['an element', '[1, 2]', '[1, 3]'],
    ['the order of elements', '[1, 2]', '[2, 1]'],
    ['null and an empty array', 'null::integer[]', '[]::integer[]'],
    ['an empty array and one with a null', '[]::integer[]', '[null]::integer[]'],
    ['a comma and the end of a string', "['a,b']", "['a', 'b']"],
    ['a double in an array', '[1.0::double]', '[1.00000001::double]'],
    ['a field', "{'a': 1, 'b': 'x'}", "{'a': 1, 'b': 'y'}"],
    ['a field that is null', "{'a': 1, 'b': null::varchar}", "{'a': 1, 'b': ''}"],
    ['null and a struct of nulls', 'null::struct(a integer)', "{'a': null::integer}"],
    ['an element of nested arrays', '[[1], [2, 3]]', '[[1, 2], [3]]'],
    ['a value of a map', "map {'a': 1}", "map {'a': 2}"],
  ])('in a nested value: %s', async (_what, from, to) => {
    expect(await compare(one(from), one(to))).toMatchObject({
      status: 'different',
      columns: [],
      counts: { ...NO_ROWS, changed: 1 },
      changedColumns: ['x'],
    });
  });

  it('in one of a thousand rows, without false positives', async () => {
    const compared = await compare([THOUSAND], [SHUFFLED, `update ${TABLE} set name = 'other' where id = 617`]);
    expect(compared.counts).toEqual({ ...NO_ROWS, changed: 1 });
    expect(compared.differences).toEqual([
      { kind: 'changed', key: { id: '617' }, cells: [{ column: 'name', from: 'name 617', to: 'other' }] },
    ]);
  });

  it('if two rows have swapped values', async () => {
    const swapped = `update ${TABLE} set name = case id when 1 then 'name 2' else 'name 1' end where id in (1, 2)`;
    const compared = await compare([THOUSAND], [THOUSAND, swapped]);
    expect(compared).toMatchObject({ counts: { ...NO_ROWS, changed: 2 }, changedColumns: ['name'] });
  });

  it('if the key has several columns, one of them null', async () => {
    const table = (value: number): string[] => [
      `create table ${TABLE} as select * from (values ('a', 1, 1), ('a', null, ${value}), (null, 1, 3)) as t(a, b, x)`,
    ];
    const compared = await compare(table(2), table(4), { keys: ['a', 'b'] });
    expect(compared.differences).toEqual([
      { kind: 'changed', key: { a: 'a', b: null }, cells: [{ column: 'x', from: '2', to: '4' }] },
    ]);
  });
});

describe('rows that only one side has', () => {
  it('are reported as missing', async () => {
    const compared = await compare([THOUSAND], [SHUFFLED, `delete from ${TABLE} where id = 41`]);
    expect(compared).toMatchObject({ status: 'different', rows: { from: 1000, to: 999 } });
    expect(compared.counts).toEqual({ ...NO_ROWS, missing: 1 });
    expect(compared.differences).toEqual([{ kind: 'missing', key: { id: '41' }, cells: [] }]);
  });

  it('are reported as extra', async () => {
    const compared = await compare([THOUSAND, `delete from ${TABLE} where id = 41`], [SHUFFLED]);
    expect(compared.differences).toEqual([{ kind: 'extra', key: { id: '41' }, cells: [] }]);
  });

  it('are reported as extra if they are duplicates', async () => {
    const compared = await compare([THOUSAND], [THOUSAND, `insert into ${TABLE} from ${TABLE} where id = 5`]);
    expect(compared.counts).toEqual({ ...NO_ROWS, extra: 1 });
    expect(compared.differences).toEqual([{ kind: 'extra', key: { id: '5' }, cells: [] }]);
  });

  it('are identified by all columns except doubles if no key is known', async () => {
    const compared = await compare([THOUSAND], [THOUSAND, `update ${TABLE} set name = 'new' where id = 3`], {
      keys: [],
    });
    expect(compared.counts).toEqual({ missing: 1, extra: 1, changed: 0 });
    const doubled = await compare([THOUSAND], [THOUSAND, `update ${TABLE} set share = 9 where id = 3`], { keys: [] });
    expect(doubled.counts).toEqual({ ...NO_ROWS, changed: 1 });
    expect(cells(doubled)).toMatchObject([{ column: 'share', to: '9.0' }]);
  });
});

describe('a difference in the schema', () => {
  it('is reported if a column has another type', async () => {
    const compared = await compare(one('1::integer'), one('1::bigint'));
    expect(compared.status).toBe('different');
    expect(compared.columns).toEqual([{ column: 'x', from: 'int32', to: 'int64' }]);
  });

  it('is reported if a column is missing, and the other columns are compared', async () => {
    const [from, to] = [`select 1 as id, 'a' as x, 5 as y`, `select 1 as id, 'b' as x`];
    const compared = await compare([`create table ${TABLE} as ${from}`], [`create table ${TABLE} as ${to}`]);
    expect(compared.columns).toEqual([{ column: 'y', from: 'int32', to: null }]);
    expect(cells(compared)).toEqual([{ column: 'x', from: 'a', to: 'b' }]);
  });

  it('is reported if a table is missing on one or both sides', async () => {
    expect(await compare([THOUSAND], [])).toMatchObject({ status: 'different', missingIn: 'prod' });
    expect(await compare([], [THOUSAND])).toMatchObject({ status: 'different', missingIn: 'dev' });
    expect(await compare([], [])).toMatchObject({ status: 'different', missingIn: 'both' });
  });
});

describe('many differences', () => {
  const large = `create table ${TABLE} as select i as id, i % 97 as x, i / 3.0::double as y from range(60000) as t(i)`;

  it('are counted, and a few are shown', async () => {
    const compared = await compare([THOUSAND], [THOUSAND, `update ${TABLE} set name = 'x' where id % 2 = 0`]);
    expect(compared.counts).toEqual({ ...NO_ROWS, changed: 500 });
    expect(compared.differences).toHaveLength(20);
    expect(compared.more).toBe(false);
  });

  it('are counted even if none are shown', async () => {
    const changed = `update ${TABLE} set name = 'x' where id < 3`;
    const compared = await compare([THOUSAND], [THOUSAND, changed], { samples: 0 });
    expect(compared).toMatchObject({ status: 'different', counts: { ...NO_ROWS, changed: 3 }, differences: [] });
  });

  it('are all found if they are in a few of many rows', async () => {
    const changes = [
      large,
      `update ${TABLE} set y = y + 1 where id in (77, 12345, 59999)`,
      `delete from ${TABLE} where id = 5`,
    ];
    const compared = await compare([large], changes);
    expect(compared).toMatchObject({ counts: { missing: 1, extra: 0, changed: 3 }, more: false });
    expect(compared.differences.map(({ key }) => key.id).sort()).toEqual(['12345', '5', '59999', '77']);
  });

  it('are all found if they are in a hundred of many buckets', async () => {
    const compared = await compare([large], [large, `update ${TABLE} set x = x + 1 where id % 500 = 0`]);
    expect(compared).toMatchObject({ counts: { ...NO_ROWS, changed: 120 }, changedColumns: ['x'], more: false });
  });

  it('are all found if they are spread over all buckets', async () => {
    const larger = large.replace('range(60000)', 'range(300000)');
    const compared = await compare([larger], [larger, `update ${TABLE} set x = x + 1 where id % 500 = 0`]);
    expect(compared).toMatchObject({ counts: { ...NO_ROWS, changed: 600 }, changedColumns: ['x'], more: false });
  });

  it('are counted up to a limit, which is reported', async () => {
    const compared = await compare([large], [large, `update ${TABLE} set y = y + 1`]);
    expect(compared.more).toBe(true);
    expect(compared.counts.changed).toBeGreaterThanOrEqual(5000);
    expect(compared.counts.changed).toBeLessThan(60_000);
  });
});
