import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { EngineClient } from '../../src/engine/client.ts';
import { engineEnvironment } from '../../src/engine/process.ts';
import type { FixturesAnswer, TaskAnswer } from '../../src/engine/protocol.ts';
import { engineOn, type TinyProject, tinyProject } from '../engine/project.ts';
import { quietEffects } from '../support/effects.ts';
import { hasItsTurn } from '../support/sampled.ts';

const describeInTurn = describe.skipIf(!hasItsTurn('column names'));

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

interface Case {
  readonly name: string;
  /** The `expect` part, as YAML. The model returns (a, b, c): (1, 2, null) and (3, 4, 5). */
  readonly expect: string;
  /** The status that dbt itself reports. */
  readonly dbt: 'pass' | 'fail' | 'error';
}

const rows = (...texts: string[]): string => `{rows: [${texts.map((text) => `{${text}}`).join(', ')}]}`;
const sql = (text: string): string => `{format: sql, rows: "${text}"}`;
const csv = (text: string): string => `{format: csv, rows: "${text}"}`;

/** Rows that are equal when compared by column name. */
const right: readonly Case[] = [
  { name: 'the_same_order', expect: rows('a: 1, b: 2', 'a: 3, b: 4'), dbt: 'pass' },
  { name: 'another_order_than_the_model', expect: rows('b: 2, a: 1', 'b: 4, a: 3'), dbt: 'pass' },
  { name: 'another_order_than_the_first_row', expect: rows('a: 1, b: 2', 'b: 4, a: 3'), dbt: 'fail' },
  { name: 'another_case', expect: rows('A: 1, b: 2', 'B: 4, a: 3'), dbt: 'fail' },
  { name: 'a_null_that_is_left_out', expect: rows('a: 1, b: 2', 'a: 3, b: 4, c: 5'), dbt: 'error' },
  { name: 'other_columns_with_nulls', expect: rows('a: 1, b: 2', 'c: 5, a: 3, b: 4'), dbt: 'error' },
  {
    name: 'sql_in_another_order',
    expect: sql('select 2 as b, null as c, 1 as a union all select 4, 5, 3'),
    dbt: 'pass',
  },
  { name: 'csv_in_another_order', expect: csv('b,a\\n2,1\\n4,3'), dbt: 'pass' },
];

/** Rows that differ when compared by column name. */
const wrong: readonly Case[] = [
  { name: 'swapped_values', expect: rows('a: 1, b: 2', 'b: 3, a: 4'), dbt: 'pass' },
  { name: 'another_column', expect: rows('a: 1, b: 2', 'a: 3, c: 4'), dbt: 'pass' },
];

/** Rows with a column that the model does not have, or with a duplicate column. */
const unknown: readonly Case[] = [
  { name: 'unknown_in_the_first_row', expect: rows('a: 1, x: 2', 'a: 3, x: 4'), dbt: 'error' },
  { name: 'unknown_in_a_later_row', expect: rows('a: 1, b: 2', 'a: 3, x: 4'), dbt: 'error' },
  {
    name: 'unknown_in_sql',
    expect: sql('select 1 as a, 2 as b, null as c, 7 as x union all select 3, 4, 5, 7'),
    dbt: 'pass',
  },
  { name: 'twice_in_two_cases', expect: rows('a: 1, A: 1, b: 2', 'a: 3, b: 4'), dbt: 'pass' },
];

const resultsSchema = z.object({ results: z.array(z.object({ unique_id: z.string(), status: z.string() })) });

const cases = [...right, ...wrong, ...unknown];

let folder: string;
let project: TinyProject;
let engine: EngineClient;
let ours: FixturesAnswer;
let built: TaskAnswer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-names-'));
  project = await tinyProject(folder);
  await project.write(
    'models/abc.sql',
    "select id as a, amount as b, nullif(id + 2, 3) as c from {{ ref('numbers') }}\n",
  );
  const tests = cases.map(
    ({ name, expect: expected }) => `  - name: ${name}
    model: abc
    given: [{input: ref('numbers'), rows: [{id: 1, amount: 2}, {id: 3, amount: 4}]}]
    expect: ${expected}
`,
  );
  await project.write('../fixtures/models/cases.yml', `unit_tests:\n${tests.join('')}`);
  await project.write(
    'seeds/prices.csv',
    'id,name,price,sold_on,code\n1,tea,2.5,2026-01-01,007\n2,,3,2026-01-02,008\n',
  );
  await project.write('seeds/seeds.yml', 'seeds: [{name: prices, config: {column_types: {code: varchar}}}]\n');
  await project.write(
    'models/expensive.sql',
    "select id, upper(name) as name, price * 2 as price, sold_on, code from {{ ref('prices') }} where price > 2.6\n",
  );
  await project.write(
    '../fixtures/models/seeds.yml',
    `unit_tests:
  - name: reads_a_seed
    model: expensive
    given: [{input: ref('prices'), rows: [{id: 7, name: tea, price: 2.75, sold_on: 2026-02-03, code: '01'}, {id: 8, price: 1}]}]
    expect: {rows: [{code: '01', id: 7, name: TEA, price: 5.5, sold_on: 2026-02-03}]}
`,
  );
  await project.write(
    'models/passing.sql',
    "{{ config(materialized='ephemeral') }}\nselect id from {{ ref('numbers') }}\n",
  );
  await project.write('models/passed.sql', "select id * 2 as id from {{ ref('passing') }}\n");
  await project.write(
    '../fixtures/models/ephemeral.yml',
    `unit_tests:
  - {name: ephemeral_as_rows, model: passed, given: [{input: ref('passing'), rows: [{id: 1}]}], expect: {rows: [{id: 2}]}}
  - name: ephemeral_as_sql
    model: passed
    given: [{input: ref('passing'), format: sql, rows: select 1 as id}]
    expect: {rows: [{id: 2}]}
`,
  );
  engine = engineOn(project, quietEffects());
  ours = await engine.fixtures({ sources: { 'raw.groups': [['id', 'BIGINT']] } });
  await engine.build({ select: ['numbers', 'prices'] });
  built = await engine.test({ resourceTypes: ['unit_test'] });
});

afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

const inMemory = (name: string) => ours.tests.find((test) => test.name === name);
const inBuild = (name: string) => built.nodes.find((node) => node.name === name);

describeInTurn('the expected rows of a unit test', () => {
  it.each(right.map(({ name }) => name))('pass if they are equal by column name: %s', (name) => {
    expect([inMemory(name)?.status, inBuild(name)?.status]).toEqual(['pass', 'pass']);
  });

  it.each(wrong.map(({ name }) => name))('fail if they differ by column name: %s', (name) => {
    expect([inMemory(name)?.status, inBuild(name)?.status]).toEqual(['fail', 'fail']);
    expect(inMemory(name)?.difference?.counts.missing ?? 0).toBeLessThanOrEqual(1);
  });

  it.each([
    ['unknown_in_the_first_row', /Invalid column name: 'x'/],
    ['unknown_in_a_later_row', /Invalid column name: 'x'/],
    ['unknown_in_sql', /Invalid column name: 'x' .*The model's columns are: a, b, c/],
    ['twice_in_two_cases', /names the column 'a' twice/],
  ])('are an error if they name an unknown column, or a column twice: %s', (name, message) => {
    expect(inMemory(name)).toMatchObject({ status: 'error', message: expect.stringMatching(message) });
  });
});

describeInTurn('dbt itself', () => {
  it('compares columns by position, which is why meetup sorts the columns first', async () => {
    const { paths } = project;
    await execa(
      join(dirname(paths.python), 'dbt'),
      ['--quiet', 'test', '--select', 'abc,test_type:unit', '--profiles-dir', paths.profiles],
      {
        cwd: paths.dbtProject,
        reject: false,
        env: { ...engineEnvironment(paths), DBT_SEND_ANONYMOUS_USAGE_STATS: 'false' },
      },
    );
    const { results } = resultsSchema.parse(
      JSON.parse(await readFile(join(paths.dbtTarget, 'run_results.json'), 'utf8')),
    );
    const verdicts = new Map(results.map((result) => [result.unique_id.split('.').at(-1), result.status]));
    expect(Object.fromEntries(cases.map(({ name }) => [name, verdicts.get(name)]))).toEqual(
      Object.fromEntries(cases.map(({ name, dbt }) => [name, dbt])),
    );
  });
});

describeInTurn('a unit test on an ephemeral model', () => {
  it('runs if its rows are SQL', () => {
    expect([inMemory('ephemeral_as_sql')?.status, inBuild('ephemeral_as_sql')?.status]).toEqual(['pass', 'pass']);
  });

  it('is an error if they are not, as in dbt', () => {
    expect(inMemory('ephemeral_as_rows')).toMatchObject({
      status: 'error',
      message: expect.stringContaining(
        'The given rows of passing must be SQL (`format: sql`), because it is ephemeral',
      ),
    });
    expect(inBuild('ephemeral_as_rows')).toMatchObject({ status: 'error' });
  });
});

describeInTurn('a unit test on a seed', () => {
  it('runs before the seed is built, with the column types that dbt gives it', () => {
    expect(inMemory('reads_a_seed')).toMatchObject({ status: 'pass' });
    expect(inBuild('reads_a_seed')).toMatchObject({ status: 'pass' });
  });

  it('notices changed columns in the CSV file', async () => {
    await project.write('seeds/prices.csv', 'id,name,price,sold_on,code,extra\n1,tea,2.5,2026-01-01,007,x\n');
    await project.write('models/expensive.sql', "select extra from {{ ref('prices') }}\n");
    await project.write(
      '../fixtures/models/seeds.yml',
      `unit_tests:
  - {name: reads_a_seed, model: expensive, given: [{input: ref('prices'), rows: [{extra: y}]}], expect: {rows: [{extra: y}]}}
`,
    );
    const answer = await engine.fixtures({ sources: { 'raw.groups': [['id', 'BIGINT']] } });
    expect(answer.tests.find(({ name }) => name === 'reads_a_seed')).toMatchObject({ status: 'pass' });
  });
});
