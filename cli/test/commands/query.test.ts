import { describe, expect, it } from 'vitest';
import { run } from '../../src/commands/query.ts';
import type { Paths } from '../../src/config/paths.ts';
import { queryJson, renderQuery } from '../../src/terminal/query.ts';
import { styleFor } from '../../src/text/style.ts';
import { openWork } from '../../src/warehouse/duckdb.ts';
import { publish } from '../../src/warehouse/publish.ts';
import { quietEffects, temporaryFolder, temporaryPaths } from '../support/effects.ts';

async function marts(others: readonly string[] = []): Promise<Paths> {
  const paths = await temporaryPaths();
  const work = await openWork(paths);
  await work.run('create schema marts');
  await work.run(`create table marts.events as select * from (values
    (1::bigint, 'Rust 🦀 night', timestamp '2024-03-31 17:30:00', 9007199254740993::hugeint, [1, 2], 0.5::decimal(3,2)),
    (2::bigint, null, timestamp '2024-03-31 17:30:00.123456', 1::hugeint, [], null)) t(id, name, starts_at, big, list, share)`);
  for (const statement of others) await work.run(statement);
  await work.close();
  await publish(paths);
  return paths;
}

async function ask(paths: Paths, sql: string): Promise<unknown> {
  return queryJson((await run({ paths, sql }, quietEffects())).report);
}

describe('meetup query', () => {
  it('finds the marts without a schema name, and returns rows as objects', async () => {
    expect(await ask(await marts(), 'select id, name from events order by id')).toEqual([
      { id: 1, name: 'Rust 🦀 night' },
      { id: 2, name: null },
    ]);
  });

  it('searches the public schemas in meetup.yml first, and then all others', async () => {
    const found = await marts([
      'create schema "shop ""x""" ',
      'create table "shop ""x""".events as select 7 as id',
      'create table marts.other as select 8 as id',
    ]);
    const paths: Paths = { ...found, settings: { public: ['shop "x"'] } };
    expect(await ask(paths, 'select id from events')).toEqual([{ id: 7 }]);
    expect(await ask(paths, 'select id from other')).toEqual([{ id: 8 }]);
    expect(await ask({ ...paths, settings: { public: ['marts'] } }, 'select count(*) as n from events')).toEqual([
      { n: 2 },
    ]);
  });

  it('returns timestamps as ISO 8601, with their fractional digits', async () => {
    expect(await ask(await marts(), 'select starts_at from events order by id')).toEqual([
      { starts_at: '2024-03-31T17:30:00' },
      { starts_at: '2024-03-31T17:30:00.123456' },
    ]);
  });

  it('returns safe integers as numbers, and larger ones as strings', async () => {
    expect(await ask(await marts(), 'select big from events order by id')).toEqual([
      { big: '9007199254740993' },
      { big: 1 },
    ]);
  });

  it('returns lists as arrays, and decimals as numbers if a double represents them exactly', async () => {
    expect(await ask(await marts(), 'select list, share from events order by id')).toEqual([
      { list: [1, 2], share: 0.5 },
      { list: [], share: null },
    ]);
  });

  it('keeps both values of a duplicate column name', async () => {
    expect(await ask(await marts(), 'select 1 as n, 2 as n')).toEqual([{ n: 1, n_2: 2 }]);
  });

  it('refuses to write, with a one-sentence error', async () => {
    await expect(ask(await marts(), 'delete from events')).rejects.toThrow(/The query failed: .*read-only/);
  });

  it('refuses to read or write other files', async () => {
    const target = `${await temporaryFolder()}/out.csv`;
    await expect(ask(await marts(), `copy events to '${target}'`)).rejects.toThrow(
      /The query failed: Permission Error/,
    );
    await expect(ask(await marts(), "select * from read_csv('/etc/hostname')")).rejects.toThrow(
      /The query failed: Permission Error/,
    );
  });

  it("passes on DuckDB's message for invalid SQL", async () => {
    await expect(ask(await marts(), 'select nothing from events')).rejects.toThrow(
      /Referenced column "nothing" not found/,
    );
  });

  it('prints a table, without control characters from the data', async () => {
    const { report } = await run(
      { paths: await marts(), sql: "select 'a' || chr(27) || '[31mb' as text, 12 as n" },
      quietEffects(),
    );
    expect(renderQuery(report, styleFor({}, {}))).toBe('text   n\n────  ──\nab    12\n1 row');
  });
});

describe('meetup query with several statements', () => {
  it('returns every result, as a table or a list of rows', async () => {
    const { report } = await run(
      { paths: await marts(), sql: 'select 1 as a; select 2 as b;\n-- end' },
      quietEffects(),
    );
    expect(queryJson(report)).toEqual([[{ a: 1 }], [{ b: 2 }]]);
    expect(renderQuery(report, styleFor({}, {}))).toBe('a\n─\n1\n1 row\n\nb\n─\n2\n1 row');
  });

  it('runs them in one session, and allows semicolons in strings', async () => {
    const sql = "create temp table t as select 'a;b' as x; select x from t where x like '%;%'";
    const { report } = await run({ paths: await marts(), sql }, quietEffects());
    expect(report.at(-1)?.rows).toEqual([['a;b']]);
  });

  it('fails if one of them is invalid', async () => {
    await expect(ask(await marts(), 'select 1; select nothing from events')).rejects.toThrow(
      /The query failed: .*nothing/s,
    );
    await expect(ask(await marts(), 'select 1; selec 2')).rejects.toThrow(/The query failed: Parser Error/);
    await expect(ask(await marts(), 'select 1; delete from events')).rejects.toThrow(/The query failed: .*read-only/);
  });
});

describe('infinite dates and timestamps', () => {
  it('are written as DuckDB writes them, in every type and within lists', async () => {
    const types = ['date', 'timestamp', 'timestamptz', 'timestamp_s', 'timestamp_ms', 'timestamp_ns'];
    for (const type of types) {
      const sql = `select '-infinity'::${type} as a, 'infinity'::${type} as b, ['-infinity'::${type}] as c`;
      expect(await ask(await marts(), sql)).toEqual([{ a: '-infinity', b: 'infinity', c: ['-infinity'] }]);
    }
  });
});
