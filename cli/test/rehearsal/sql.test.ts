import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toSparkSql } from '../../src/rehearsal/sql/rewrite.ts';
import { literal, textOf, tokens } from '../../src/rehearsal/sql/tokens.ts';
import { unsupported } from '../../src/rehearsal/sql/unsupported.ts';

const rewrite = (sql: string): string => toSparkSql(tokens(sql), { volumePath: (path) => `/local${path}` });

describe("a statement in Databricks' SQL", () => {
  it.each([
    ['select * from hive_metastore.marts.t', 'select * from spark_catalog.marts.t'],
    ['select * from `hive_metastore`.`marts`.`t`', 'select * from `spark_catalog`.`marts`.`t`'],
    ['select * from HIVE_METASTORE . marts.t', 'select * from spark_catalog . marts.t'],
    ['show schemas in hive_metastore', 'show schemas in spark_catalog'],
    ["show schemas from `hive_metastore` like 'm*'", "show schemas from `spark_catalog` like 'm*'"],
    [
      'alter table `hive_metastore`.a.b rename to `hive_metastore`.a.c',
      'alter table `spark_catalog`.a.b rename to a.c',
    ],
    ['use catalog hive_metastore', 'SET catalog spark_catalog'],
    ['use catalog `hive_metastore`', 'SET catalog `spark_catalog`'],
    ['set ansi_mode = true', 'set spark.sql.ansi.enabled = true'],
    ['SET ansi_mode', 'SET spark.sql.ansi.enabled'],
    ['set timezone=UTC', 'set spark.sql.session.timeZone=UTC'],
    ['/* first */ insert into hive_metastore.a.b select 1', '/* first */ insert into spark_catalog.a.b select 1'],
  ])("is rewritten with Spark's names of catalogs and settings: %s", (sql, expected) => {
    expect(rewrite(sql)).toBe(expected);
  });

  it.each([
    "select 'hive_metastore.a'",
    'select "hive_metastore.a"',
    "select r'\\', 'hive_metastore.a'",
    "select 'it\\'s hive_metastore.a'",
    'select 1 -- hive_metastore.a',
    'select 1 /* hive_metastore.a /* and */ hive_metastore.b */',
    'select `a``hive_metastore.b`',
    'select a.hive_metastore.b from a',
    'select hive_metastore from t',
    'select hive_metastore_1.a from hive_metastore_1.a',
    "select '`/Volumes/a/b/c`'",
    "select '/Volumes/a/b/c' as path from t where path = '/Volumes/a/b/c'",
    "select options (a), (path = '/Volumes/a/b/c') from t",
  ])('is not changed if it only contains similar text: %s', (sql) => {
    expect(rewrite(sql)).toBe(sql);
  });

  it('is rewritten with the local paths of files in volumes', () => {
    expect(rewrite('select * from parquet.`/Volumes/main/raw/drops/e.parquet`')).toBe(
      'select * from parquet.`/local/Volumes/main/raw/drops/e.parquet`',
    );
  });

  it.each([
    [
      "create temporary view v using json options (multiLine 'true', path '/Volumes/a/b/c/it\\'s.json')",
      "create temporary view v using json options (multiLine 'true', path '/local/Volumes/a/b/c/it\\'s.json')",
    ],
    [
      'create or replace temp view v using csv options ("PATH" = "/Volumes/a/b/c/e.csv", header true)',
      'create or replace temp view v using csv options ("PATH" = \'/local/Volumes/a/b/c/e.csv\', header true)',
    ],
    [
      "insert overwrite directory '/Volumes/a/b/c/out' using parquet select 1",
      "insert overwrite directory '/local/Volumes/a/b/c/out' using parquet select 1",
    ],
  ])('is rewritten with the local paths that its options and directories name: %s', (sql, expected) => {
    expect(rewrite(sql)).toBe(expected);
  });

  it.each([
    [
      'create table t (id bigint not null, primary key (id)) using delta',
      'create table t (id bigint not null) using delta',
    ],
    [
      'create or replace table c.s.t (`a b` int, n array<struct<x: int, y: int>>, constraint pk primary key (`A B`, n timeseries) rely)',
      'create or replace table c.s.t (`a b` int NOT NULL, n array<struct<x: int, y: int>> NOT NULL)',
    ],
    [
      "create table if not exists t (id int primary key comment 'a, b', x int)",
      "create table if not exists t (id int   comment 'a, b' NOT NULL, x int)",
    ],
    [
      "create table t (id int, other int constraint fk references s.u (id) not enforced comment 'x', foreign key (id) references u)",
      "create table t (id int, other int        comment 'x')",
    ],
    ['alter table s.t add constraint pk primary key (a, `b c`) norely', 'select a, `b c` from s.t where false'],
    ['alter table t add foreign key (a) references u (b)', 'select a from t where false'],
    ['alter table t drop primary key if exists cascade', 'select * from t where false'],
  ])('has its primary and foreign keys taken out, which Databricks does not enforce: %s', (sql, expected) => {
    expect(rewrite(sql)).toBe(expected);
  });

  it.each([
    'create table t (primary string, key int, references int) using delta -- primary key (a)',
    "create table t using delta as select 'primary key (a)' as x",
    'create table t (x decimal(10, 2), constraint positive check (x > 0))',
    'alter table t add constraint positive check (x > 0)',
    'alter table t add columns (primary int)',
    'create table t (a int',
  ])('is left as it is without such keys: %s', (sql) => {
    expect(rewrite(sql)).toBe(sql);
  });

  it.each([
    ["copy into t from '/Volumes/a/b/c'", 'COPY INTO'],
    ['/* rights */ grant select on t to x', 'permissions'],
    ['create or replace materialized view v as select 1', 'materialized views'],
    ['create or refresh streaming table t as select 1', 'streaming tables'],
    ["select * from read_files('/Volumes/a/b/c')", 'read_files'],
    ["create table t (a int) using delta location '/Volumes/a/b/c/t'", 'tables or schemas in volumes'],
    ["create or replace table t using csv options (path '/Volumes/a/b/c/e.csv')", 'tables or schemas in volumes'],
    ["create external table t using csv options (path '/Volumes/a/b/c/e.csv')", 'tables or schemas in volumes'],
  ])('is rejected with one sentence if the rehearsal does not support it: %s', (sql, what) => {
    const refused = unsupported(tokens(sql));
    expect(refused?.message).toContain("The rehearsal doesn't support");
    expect(refused?.message).toContain(what);
    expect(refused?.sqlState).toBe('0A000');
  });

  it.each([
    'create table granted as select 1',
    "select 'copy into'",
    'select read_files from t',
    'create or replace view v as select 1',
  ])('is left to Spark otherwise: %s', (sql) => {
    expect(unsupported(tokens(sql))).toBeUndefined();
  });
});

describe('tokens', () => {
  it('always add up to the original statement', () => {
    const piece = fc.constantFrom(
      "'",
      '"',
      '`',
      '--',
      '/*',
      '*/',
      '\\',
      '\n',
      ' ',
      '.',
      'r',
      'hive_metastore',
      'é',
      '😀',
      '/Volumes/',
      '1',
    );
    const statement = fc
      .array(fc.oneof(piece, fc.string({ unit: 'binary' })), { maxLength: 30 })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(
        statement,
        (sql) =>
          tokens(sql)
            .map(({ text }) => text)
            .join('') === sql,
      ),
      { numRuns: 2000 },
    );
  });

  it('of a string literal contain the original string', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const [token, ...rest] = tokens(literal(text));
        return rest.length === 0 && textOf(token) === text;
      }),
    );
  });
});
