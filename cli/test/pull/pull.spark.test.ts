import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { run as dev } from '../../src/commands/dev.ts';
import { drop, type PullOptions, run as pull } from '../../src/commands/pull.ts';
import type { Effects } from '../../src/config/effects.ts';
import { type Paths, projectRoot, resolvePaths } from '../../src/config/paths.ts';
import { parseKeys, parseSample } from '../../src/pull/choice.ts';
import { connectTarget, remoteTarget } from '../../src/targets/target.ts';
import { quietEffects } from '../support/effects.ts';
import { publishedRows, workRows } from '../support/rows.ts';
import { hasItsTurn } from '../support/sampled.ts';
import { shareRehearsal } from '../support/shared-rehearsal.ts';

/** A project of somebody else's, whose sources have no JSON Schemas. They are on the rehearsal; nothing is on DuckDB. */
vi.setConfig({ testTimeout: 600_000 });

const FILES: Record<string, string> = {
  'dbt_project.yml': `
name: shop
profile: shop
model-paths: [models]
models: {shop: {+materialized: table, +schema: marts}}
`,
  'macros/generate_schema_name.sql':
    '{% macro generate_schema_name(custom_schema_name, node) %}{{ custom_schema_name or target.schema }}{% endmacro %}',
  'profiles.yml': `
shop:
  target: dev
  outputs:
    dev: {type: duckdb, path: "{{ env_var('MEETUP_DUCKDB_PATH') }}", schema: main, threads: 1}
    rehearsal:
      type: databricks
      catalog: "{{ env_var('MEETUP_REHEARSAL_CATALOG', 'hive_metastore') }}"
      schema: main
      host: "{{ env_var('MEETUP_REHEARSAL_HOST') }}"
      http_path: "{{ env_var('MEETUP_REHEARSAL_HTTP_PATH') }}"
      token: "{{ env_var('MEETUP_REHEARSAL_TOKEN') }}"
      threads: 1
`,
  'models/shop.yml': `
sources:
  - name: crm
    schema: crm_prod
    tables:
      - name: customers
        columns:
          - {name: id, data_tests: [unique]}
          - {name: tier, config: {meta: {personal: false}}}
      - name: orders
        columns:
          - name: customer_id
            data_tests: [{relationships: {arguments: {to: "source('crm', 'customers')", field: id}}}]
      - {name: countries}
models:
  - name: totals
    columns:
      - name: customer_id
        data_tests: [{relationships: {arguments: {to: ref('buyers'), field: customer_id}}}]
      - name: total
        data_tests: [not_null]
`,
  'models/buyers.sql':
    "select id as customer_id, tier from {{ source('crm', 'customers') }} where tier <> 'Closed account'",
  'models/totals.sql':
    "select customer_id, sum(amount) as total, count(*) as n from {{ source('crm', 'orders') }} group by customer_id",
  'models/places.sql': "select * from {{ source('crm', 'countries') }}",
};

const STATEMENTS = [
  'create schema crm_prod',
  'create table crm_prod.customers (id bigint, name string, tier string, spent decimal(38, 9), seen timestamp, tags array<string>, likes map<string, int>, home struct<street: string, since: date>, raw binary) using delta',
  `insert into crm_prod.customers values
    (9007199254740993, 'Ann Lee', 'gold', 12345678901234567890123456789.123456789, timestamp '2024-03-31 01:30:00.123456', array('vip', null), map('tea', 2), named_struct('street', 'Elm 5', 'since', date '2020-02-29'), X'00FF'),
    (11, 'Bob Ray', 'none', null, null, null, null, null, null)`,
  'create table crm_prod.orders (order_id bigint, customer_id bigint, amount decimal(10, 2)) using delta',
  'insert into crm_prod.orders values (1, 9007199254740993, 20.00), (2, 9007199254740993, 5.50), (3, 11, null), (4, 12, 1.00)',
  'create schema if not exists marts',
  'create table marts.totals using delta as select customer_id, sum(amount) as total, count(*) as n from crm_prod.orders group by customer_id',
  'create table crm_prod.countries (code string, country string) using delta',
  "insert into crm_prod.countries values ('NL', 'Netherlands')",
];

let folder: string;
let effects: Effects;
const pathsNow = (): Paths =>
  resolvePaths(
    { stateDir: join(folder, 'state') },
    { ...process.env, MEETUP_PROJECT_DIR: join(folder, 'project') },
    folder,
  );

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-pull-'));
  process.env.MEETUP_TOOLCHAIN_DIR ??= join(projectRoot, '.meetup/toolchain');
  effects = quietEffects({ env: process.env });
  for (const [name, text] of Object.entries(FILES)) {
    const file = join(folder, 'project', name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  await shareRehearsal(join(folder, 'state'), effects);
  const connection = await connectTarget(await remoteTarget('rehearsal', pathsNow(), effects), effects);
  try {
    for (const sql of STATEMENTS) await connection.run(sql);
  } finally {
    await connection.close();
  }
}, 600_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

const pulling = (options: Partial<PullOptions>): Promise<Awaited<ReturnType<typeof pull>>> =>
  pull({ paths: pathsNow(), target: 'rehearsal', maxRows: 1000, maxBytes: 1_000_000, yes: true, ...options }, effects);

describe.skipIf(!hasItsTurn('pull'))('meetup pull', () => {
  it('brings the rows of a key and what refers to them, without persons and without losing a digit', async () => {
    const { report } = await pulling({ choice: parseKeys('crm.customers.id=9007199254740993') });
    expect(report.tables.map(({ name, rows }) => [name, rows])).toEqual([
      ['crm.countries', 1],
      ['crm.customers', 1],
      ['crm.orders', 2],
    ]);
    const paths = pathsNow();
    expect(paths.pulled).toMatchObject({ from: 'rehearsal', rows: 4, chosen: '1 value of crm.customers.id' });
    const [row] = await workRows(
      paths,
      'select typeof(id), typeof(spent), spent::varchar, seen::varchar, tier, len(tags), typeof(likes), home.since::varchar, typeof(raw) from crm_prod.customers',
    );
    expect(row).toEqual([
      'BIGINT',
      'DECIMAL(38,9)',
      '12345678901234567890123456789.123456789',
      '2024-03-31 01:30:00.123456',
      'gold',
      2,
      'MAP(VARCHAR, INTEGER)',
      '2020-02-29',
      'BLOB',
    ]);
    const all = JSON.stringify(await workRows(paths, 'select * from crm_prod.customers'));
    expect(all).not.toMatch(/Ann|Lee|Elm|vip|9007199254740993/);
    expect(
      await workRows(paths, 'select distinct o.customer_id = c.id from crm_prod.orders o, crm_prod.customers c'),
    ).toEqual([[true]]);
    expect(report.keys.map(({ given }) => given)).toEqual(['9007199254740993']);
  });

  it('is what `dev` builds on, until it is dropped', async () => {
    const built = await dev({ paths: pathsNow(), maxRejected: 0, fullRefresh: false, summarizes: false }, effects);
    expect(built.report.build?.problems).toEqual([]);
    expect(await publishedRows(pathsNow(), 'select total::varchar, n from marts.totals')).toEqual([['25.50', 2]]);
    const again = await dev({ paths: pathsNow(), maxRejected: 0, fullRefresh: false, summarizes: false }, effects);
    expect(again.report.status).toBe('unchanged');
    await drop(pathsNow(), effects);
    expect(pathsNow().pulled).toBeUndefined();
  });

  it.each([
    ['a model', 'not_null_totals_total'],
    ['a source', 'source_relationships_crm_orders_customer_id__id__source_crm_customers_'],
  ])('brings the rows behind the failing rows of a test of %s, without naming their keys', async (_, test) => {
    const { report } = await pulling({ test });
    // Customer 11 is no source of the tested model, and customer 12 doesn't exist.
    expect(report.tables.map(({ name, rows }) => [name, rows])).toEqual([
      ['crm.countries', 0],
      ['crm.customers', 0],
      ['crm.orders', 1],
    ]);
    expect(report.keys).toEqual([]);
    await drop(pathsNow(), effects);
  });

  it('brings the same share of a key from all tables', async () => {
    const { report } = await pulling({ choice: parseSample('crm.customers.id=100%'), planOnly: true });
    expect(report.tables.map(({ name, rows }) => [name, rows])).toEqual([
      ['crm.countries', 1],
      ['crm.customers', 2],
      ['crm.orders', 3],
    ]);
  });

  it('refuses a sample that is larger than allowed, before a row is read', async () => {
    await expect(pulling({ choice: parseKeys('crm.customers.id=11'), maxRows: 1 })).rejects.toThrow(
      /more than --max-rows 1/,
    );
    expect(pathsNow().pulled).toBeUndefined();
  });
});
