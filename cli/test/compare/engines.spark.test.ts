import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { columnFingerprints } from '../../src/compare/buckets.ts';
import { compareMarts } from '../../src/compare/compare.ts';
import { databricksSide, duckDbSide, type Side } from '../../src/compare/side.ts';
import { type Paths, projectRoot, resolvePaths } from '../../src/config/paths.ts';
import { connectTarget, type RemoteTarget, remoteTarget } from '../../src/targets/target.ts';
import type { DatabricksConnection } from '../../src/warehouse/databricks.ts';
import { quoteNames } from '../../src/warehouse/databricks-sql.ts';
import { DuckDbWarehouse } from '../../src/warehouse/duckdb.ts';
import { quietEffects } from '../support/effects.ts';
import { shareRehearsal } from '../support/shared-rehearsal.ts';

/** Spark starts in ten seconds on an idle machine and in a minute on a busy one. */
const START_MS = 600_000;
// A statement on Spark takes a second on an idle machine and ten on a busy one.
vi.setConfig({ testTimeout: 180_000 });

const SCHEMA = 'compared';

/** The same type and values in the SQL of each engine. */
interface TypeCase {
  readonly type: readonly [duckDb: string, spark: string];
  readonly values: readonly (readonly [duckDb: string, spark: string])[];
}

const both = (...values: string[]): (readonly [string, string])[] => values.map((value) => [value, value]);

const TYPES: Readonly<Record<string, TypeCase>> = {
  truth: { type: ['boolean', 'boolean'], values: both('true', 'false') },
  tiny: { type: ['tinyint', 'tinyint'], values: both('-128', '127') },
  small: { type: ['smallint', 'smallint'], values: both('-32768', '32767') },
  whole: { type: ['integer', 'int'], values: both('-2147483648', '0') },
  big: { type: ['bigint', 'bigint'], values: both('-9223372036854775807', '9007199254740993') },
  single: { type: ['float', 'float'], values: both('0.1', '-2.5', '16777216') },
  double: {
    type: ['double', 'double'],
    values: [
      ...both('0.1e0 + 0.2e0', '-0.0e0', '1.0e300', '1.5e-300', '12345678.125e0', '1.0000000005e0', '100.0e0'),
      ...both("cast('NaN' as double)", "cast('Infinity' as double)", "cast('-Infinity' as double)"),
    ],
  },
  price: { type: ['decimal(18,3)', 'decimal(18,3)'], values: both('1.5', '-0.001', '123456789012345.678') },
  tiny_share: { type: ['decimal(38,10)', 'decimal(38,10)'], values: both('0.0000000001', '0') },
  words: {
    type: ['varchar', 'string'],
    values: [
      ...both("''", "'null'", "'Zürich 😀 ﷽'", "'Zu\u0308rich'", "' a '"),
      ["chr(10) || chr(9) || '\\'", "'\\n\\t\\\\'"],
    ],
  },
  bytes: {
    type: ['blob', 'binary'],
    values: [
      ["'\\x00\\xFF\\x7F'::blob", "X'00FF7F'"],
      ["''::blob", "X''"],
    ],
  },
  day: { type: ['date', 'date'], values: both("date '2024-02-29'", "date '1899-12-31'", "date '0001-01-01'") },
  moment: {
    type: ['timestamptz', 'timestamp'],
    values: [
      ["timestamptz '2024-03-31 01:30:00.000001+00'", "timestamp '2024-03-31 01:30:00.000001Z'"],
      ["timestamptz '1883-11-18 12:00:00+00'", "timestamp '1883-11-18 12:00:00Z'"],
    ],
  },
  wall: {
    type: ['timestamp', 'timestamp_ntz'],
    values: [
      ["timestamp '2024-03-31 02:30:00.123456'", "timestamp_ntz '2024-03-31 02:30:00.123456'"],
      ["timestamp '1969-12-31 23:59:59.999999'", "timestamp_ntz '1969-12-31 23:59:59.999999'"],
    ],
  },
  numbers: {
    type: ['integer[]', 'array<int>'],
    values: [
      ['[3, null, 1]', 'array(3, null, 1)'],
      ['[]', 'array()'],
      ['[null]', 'array(null)'],
    ],
  },
  texts: {
    type: ['varchar[]', 'array<string>'],
    values: [["['a,b', 'ü', '']", "array('a,b', 'ü', '')"]],
  },
  shares: { type: ['double[]', 'array<double>'], values: [['[0.1e0 + 0.2e0, null]', 'array(0.1e0 + 0.2e0, null)']] },
  record: {
    type: ['struct(a bigint, "when" varchar)', 'struct<a: bigint, when: string>'],
    values: [
      [`{'a': 1, 'when': 'x'}`, `named_struct('a', 1L, 'when', 'x')`],
      [`{'a': null, 'when': null}`, `named_struct('a', null, 'when', null)`],
    ],
  },
  records: {
    type: ['struct(a bigint, d date)[]', 'array<struct<a: bigint, d: date>>'],
    values: [
      [`[{'a': 1, 'd': date '2024-02-29'}, null]`, `array(named_struct('a', 1L, 'd', date '2024-02-29'), null)`],
    ],
  },
  lookup: {
    type: ['map(varchar, double)', 'map<string, double>'],
    values: [[`map {'b': 2.5e0, 'a': 1e0}`, `map('a', 1.0e0, 'b', 2.5e0)`]],
  },
};

/** A column per type and a row per value, with nulls for types that have fewer values. */
const ROWS = Math.max(...Object.values(TYPES).map(({ values }) => values.length)) + 1;

function everyType(engine: 0 | 1): string {
  const row = (at: number): string => {
    const cells = Object.entries(TYPES).map(
      ([name, { type, values }]) => `cast(${values[at]?.[engine] ?? 'null'} as ${type[engine]}) as ${name}`,
    );
    return `select cast(${at} as bigint) as id, ${cells.join(', ')}`;
  };
  return Array.from({ length: ROWS }, (_, at) => row(at)).join(' union all ');
}

const effects = quietEffects({ env: process.env });
let folder: string;
let paths: Paths;
let target: RemoteTarget;
let remote: DatabricksConnection;
let local: DuckDbWarehouse;

const place = (table: string): string => quoteNames(target.catalog, SCHEMA, table);

const sides = (): readonly [Side, Side] => [
  duckDbSide('dev', local),
  databricksSide('rehearsal', remote, target.catalog),
];

/** Compares the tables with these names. */
async function compared(tables: readonly string[]) {
  const marts = tables.map((name) => ({ uniqueId: name, schema: SCHEMA, name, keys: ['id'] }));
  const [from, to] = sides();
  return compareMarts(from, to, marts, { elapsed: effects.clock.elapsed });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-compare-'));
  const toolchain = process.env.MEETUP_TOOLCHAIN_DIR ?? join(projectRoot, '.meetup/toolchain');
  paths = resolvePaths({ stateDir: join(folder, 'state') }, { MEETUP_TOOLCHAIN_DIR: toolchain }, folder);
  await shareRehearsal(paths.state, effects);
  target = await remoteTarget('rehearsal', paths, effects);
  remote = await connectTarget(target, effects);
  await remote.run(`create schema ${quoteNames(target.catalog, SCHEMA)}`);
  local = await DuckDbWarehouse.inMemory();
  await local.run(`create schema ${SCHEMA}`);
}, START_MS);

afterAll(async () => {
  await local?.close();
  await remote?.close();
  await rm(folder, { recursive: true, force: true });
}, START_MS);

describe('DuckDB and Spark', () => {
  it('compute the same fingerprints for the same values of every type', async () => {
    await local.run(`create table ${SCHEMA}.every_type as ${everyType(0)}`);
    await remote.run(`create table ${place('every_type')} using delta as ${everyType(1)}`);
    const [from, to] = sides();
    const columns = (await from.columns(SCHEMA, 'every_type')) ?? [];
    expect(columns).toEqual(await to.columns(SCHEMA, 'every_type'));
    const table = { schema: SCHEMA, name: 'every_type', keys: columns.slice(0, 1), columns };
    // Column by column first, so that a failure names the types.
    expect(Object.fromEntries(await columnFingerprints(from, table, columns))).toEqual(
      Object.fromEntries(await columnFingerprints(to, table, columns)),
    );
    const [found] = await compared(['every_type']);
    expect(found).toMatchObject({ status: 'equal', columns: [], rows: { from: ROWS, to: ROWS } });
    expect(found?.fingerprint.from).toBe(found?.fingerprint.to);
  });

  it('find changed cells in a large table by their keys, and rows that only one side has', async () => {
    const columns = `cast(id as bigint) as id, concat('name ', cast(id as string)) as name, cast(id as double) / 7 as share,
      date_add(date '2024-01-01', cast(id % 400 as int)) as on_day`;
    await local.run(
      `create table ${SCHEMA}.large as select ${columns.replace('as string', 'as varchar')} from range(50000) as t(id)`,
    );
    await local.run(`alter table ${SCHEMA}.large alter on_day type date`);
    await remote.run(`create table ${place('large')} using delta as select ${columns} from range(50000)`);
    const [equal] = await compared(['large']);
    expect(equal).toMatchObject({ status: 'equal', columns: [], rows: { from: 50_000, to: 50_000 } });

    await remote.run(`update ${place('large')} set share = share * 1.00000001 where id = 31234`);
    await remote.run(`update ${place('large')} set name = 'anders 😀' where id = 77`);
    await remote.run(`update ${place('large')} set share = share * 1.0000000000001`);
    await remote.run(`delete from ${place('large')} where id = 5`);
    await remote.run(`insert into ${place('large')} select * from ${place('large')} where id = 6`);
    const [changed] = await compared(['large']);
    expect(changed?.counts).toEqual({ missing: 1, extra: 1, changed: 2 });
    const differences = new Map(changed?.differences.map((difference) => [difference.key.id, difference]));
    expect(differences.get('77')?.cells).toEqual([{ column: 'name', from: 'name 77', to: 'anders 😀' }]);
    expect(differences.get('31234')?.cells).toMatchObject([{ column: 'share', from: '4462.0' }]);
    expect(differences.get('5')?.kind).toBe('missing');
    expect(differences.get('6')?.kind).toBe('extra');
    expect(changed?.changedColumns).toEqual(['name', 'share']);
  });

  it('report columns with different types, and tables that are missing on one side', async () => {
    await local.run(`create table ${SCHEMA}.typed as select 1::bigint as id, 1::integer as x`);
    await remote.run(`create table ${place('typed')} using delta as select 1L as id, '1' as X`);
    await local.run(`create table ${SCHEMA}.lonely as select 1 as id`);
    const [typed, lonely] = await compared(['typed', 'lonely']);
    expect(typed?.columns).toEqual([{ column: 'x', from: 'int32', to: 'string' }]);
    expect(lonely).toMatchObject({ status: 'different', missingIn: 'rehearsal' });
  });
});
