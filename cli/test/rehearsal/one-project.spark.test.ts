import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { run as testOn } from '../../src/commands/test-remote.ts';
import { type Paths, projectRoot, resolvePaths } from '../../src/config/paths.ts';
import { EngineClient } from '../../src/engine/client.ts';
import { connectTarget, type RemoteTarget, remoteTarget } from '../../src/targets/target.ts';
import type { DatabricksConnection } from '../../src/warehouse/databricks.ts';
import { DuckDbWarehouse } from '../../src/warehouse/duckdb.ts';
import { LITERALS, modelOf, readCases } from '../dbt/cross_db/cases.ts';
import { quietEffects } from '../support/effects.ts';
import { copyProject } from '../support/project-copy.ts';
import { shareRehearsal } from '../support/shared-rehearsal.ts';

/** One dbt project on both engines: the macros that contain all differences, and the models' fixtures on Spark. */

vi.setConfig({ testTimeout: 300_000 });
const START_MS = 600_000;

const effects = quietEffects({ env: process.env });
const cases = await readCases();
const CASES = 'cross_db_cases';

let folder: string;
let paths: Paths;
let target: RemoteTarget;
let connection: DatabricksConnection;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-one-project-'));
  await copyProject(join(folder, 'project'));
  const toolchain = process.env.MEETUP_TOOLCHAIN_DIR ?? join(projectRoot, '.meetup/toolchain');
  const env = { MEETUP_TOOLCHAIN_DIR: toolchain, MEETUP_PROJECT_DIR: join(folder, 'project') };
  paths = resolvePaths({ stateDir: join(folder, 'state') }, env, folder);
  await writeFile(join(paths.dbtProject, 'models', `${CASES}.sql`), modelOf(cases));
  await writeFile(join(paths.dbtProject, 'macros', 'cases.sql'), LITERALS);
  await shareRehearsal(paths.state, effects);
  target = await remoteTarget('rehearsal', paths, effects);
  connection = await connectTarget(target, effects);
}, START_MS);

afterAll(async () => {
  await connection?.close();
  await rm(folder, { recursive: true, force: true });
}, START_MS);

describe('the cross-database macros', () => {
  it('all have test cases', async () => {
    expect([...new Set(cases.map(({ macro }) => macro))].sort()).toEqual(await dispatchedMacros());
  });

  it.each(['dev', 'rehearsal'] as const)('return the expected results on %s', async (engine) => {
    expect(await answersOf(engine)).toEqual(
      cases.map(({ macro, name, expected }) => ({ case: `${macro}: ${name}`, result: expected })),
    );
  });
});

describe('meetup test --target rehearsal', () => {
  it('runs fixtures with dbt-databricks, and leaves the target unchanged', async () => {
    await connection.run('create schema if not exists marts');
    await connection.run('create or replace table marts.dim_groups using delta as select 42 as is_deployed');
    // Leftovers of a run that was killed.
    await connection.run('create schema meetup_fixtures_marts');
    await connection.run('create table meetup_fixtures_marts.dim_groups using delta as select 1 as is_left');
    const select = 'dim_groups|stg_meetup__events|int_as_of as_of_without_data';
    const { exitCode, report } = await testOn({ paths, target: 'rehearsal', select: [select] }, effects);
    expect(report.tests.filter(({ status }) => status !== 'pass')).toEqual([]);
    expect(exitCode).toBe(0);
    expect(report.tests.length).toBeGreaterThan(2);
    expect(report.tests.map(({ name }) => name)).toContain(
      'fixtures/models/int_as_of/as_of.yml > int_as_of as_of_without_data',
    );
    expect(await connection.rows('select * from marts.dim_groups')).toEqual([{ is_deployed: 42 }]);
    expect(await connection.rows("show schemas like 'meetup_fixtures_*'")).toEqual([]);
  });

  it('reports differing rows with the line of the fixture, and still removes its schemas', async () => {
    const file = join(paths.fixtures, 'int_as_of', 'broken.yml');
    await mkdir(dirname(file), { recursive: true });
    const good = await readFile(join(dirname(file), 'as_of.yml'), 'utf8');
    const [head = '', first = ''] = good.split(/^(?= {2}- name: )/m);
    await writeFile(file, `${head.replace(/[\s\S]*(?=unit_tests:)/, '')}${broken(first)}`);
    const { exitCode, report } = await testOn({ paths, target: 'rehearsal', select: ['broken_on_purpose'] }, effects);
    await rm(file);
    expect(exitCode).toBe(1);
    expect(report.tests).toHaveLength(1);
    expect(report.tests[0]).toMatchObject({ status: 'fail' });
    expect(report.tests[0]?.message).toMatch(
      /^fixtures\/models\/int_as_of\/broken\.yml:2\n1 row missing, 1 row unexpected/,
    );
    expect(await connection.rows("show schemas like 'meetup_fixtures_*'")).toEqual([]);
  });

  it('rejects prod, and a selection that matches nothing', async () => {
    await expect(testOn({ paths, target: 'prod' }, effects)).rejects.toThrow("Fixtures don't run on prod");
    await expect(testOn({ paths, target: 'rehearsal', select: ['no such'] }, effects)).rejects.toThrow(
      "No fixture matches --select 'no such'.",
    );
  });
});

/** The fixture under another name, with an expected date in 1999. */
function broken(fixture: string): string {
  const renamed = fixture.replace(/name: .*/, 'name: broken_on_purpose');
  const at = renamed.indexOf('expect:');
  return renamed.slice(0, at) + renamed.slice(at).replace(/\d{4}-\d{2}-\d{2}/, '1999-01-01');
}

/** It says whether an engine has transactions, so it is meant to differ. */
const NOT_COMPARED = 'has_scopes';

/** Names of all macros with an implementation per engine, which has to return the same on each. */
async function dispatchedMacros(): Promise<string[]> {
  const places = await readdir(join(projectRoot, 'dbt/macros'), { recursive: true });
  const texts = await Promise.all(
    places
      .filter((place) => place.endsWith('.sql'))
      .map((place) => readFile(join(projectRoot, 'dbt/macros', place), 'utf8')),
  );
  return texts
    .flatMap((text) => [...text.matchAll(/adapter\.dispatch\('(\w+)'/g)].map(([, name]) => name ?? ''))
    .filter((name) => name !== NOT_COMPARED)
    .sort();
}

async function answersOf(engine: 'dev' | 'rehearsal'): Promise<readonly { case: string; result: unknown }[]> {
  const results = new Map<number, unknown>();
  await mkdir(dirname(paths.workDatabase), { recursive: true });
  const client = new EngineClient(paths, { ...effects, env: { ...effects.env, ...target.environment } });
  try {
    const answer = await client.run({ target: engine, select: [CASES] });
    expect(answer.nodes.map(({ status, message }) => ({ status, message }))).toMatchObject([{ status: 'success' }]);
    const sql = `select case_id, result from cases.${CASES}`;
    for (const [id, result] of await (engine === 'dev' ? onDuckDb(sql) : onSpark(sql))) results.set(Number(id), result);
  } finally {
    await client.close();
  }
  return cases.map(({ id, macro, name }) => ({ case: `${macro}: ${name}`, result: results.get(id) }));
}

async function onDuckDb(sql: string): Promise<readonly (readonly unknown[])[]> {
  const warehouse = await DuckDbWarehouse.open(paths.workDatabase, { readOnly: true });
  try {
    return (await warehouse.query(sql)).rows;
  } finally {
    await warehouse.close();
  }
}

async function onSpark(sql: string): Promise<readonly (readonly unknown[])[]> {
  return (await connection.rows(sql)).map((row) => [row.case_id, row.result]);
}
