import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readBranches, writeBranchEntry } from '../../src/branches/records.ts';
import type { BranchReport } from '../../src/branches/report.ts';
import { type BranchOptions, run as branch, drop, list } from '../../src/commands/branch.ts';
import { run as ci } from '../../src/commands/ci.ts';
import { run as deploy } from '../../src/commands/deploy.ts';
import type { Paths } from '../../src/config/paths.ts';
import { listSchemas } from '../../src/deploy/relations.ts';
import type { Remote } from '../../src/deploy/remote.ts';
import { rehearsalPlaces } from '../../src/rehearsal/places.ts';
import { contentsOf } from '../deploy/contents.ts';
import type { TinyProject } from '../deploy/tiny-project.ts';
import { type TinyRehearsal, tinyRehearsal } from '../deploy/tiny-rehearsal.ts';
import { quietEffects } from '../support/effects.ts';
import { interpreting } from '../support/interpreted-spark.ts';
import { meetup } from '../support/meetup.ts';
import { hasItsTurn, howSampled, sampled } from '../support/sampled.ts';

const START_MS = 600_000;
vi.setConfig({ testTimeout: 900_000 });

const effects = quietEffects({ env: interpreting(process.env) });
let tiny: TinyRehearsal | undefined;
let project: TinyProject;
let remote: Remote;
let target: { readonly paths: Paths; readonly target: 'rehearsal' };

const STAGING = 'dbt/models/staging/stg_groups.sql';
const OLD_NAMES = "select group_id, max(name) as group_name from {{ source('raw', 'groups') }} group by group_id\n";
const NEW_NAMES =
  "select group_id, case when group_id % 2 = 0 then upper(max(name)) else max(name) end as group_name from {{ source('raw', 'groups') }} group by group_id\n";

beforeAll(async () => {
  tiny = await tinyRehearsal('branches', effects, async ({ write }) => {
    // Never built from scratch, so that a branch continues it.
    await write(
      'dbt/models/marts/group_log.sql',
      `{{ config(materialized='incremental', incremental_strategy='merge', unique_key='group_id', full_refresh=false, on_schema_change='fail') }}
select group_id, group_name from {{ ref('stg_groups') }}\n`,
    );
    await write(
      'dbt/models/marts/group_log.yml',
      'models: [{name: group_log, columns: [{name: group_id, data_type: bigint, data_tests: [unique]}, {name: group_name, data_type: string}]}]\n',
    );
  });
  ({ project, remote } = tiny);
  target = { paths: project.paths, target: 'rehearsal' };
  const { report } = await deploy({ ...target, maxRejected: 0.5, yes: true }, effects);
  expect(report).toMatchObject({ status: 'deployed' });
}, START_MS);

afterAll(() => tiny?.end(), START_MS);

const rowsOf = (name: string): Promise<unknown[]> =>
  remote.connection.rows(`select * from ${table(name)} order by group_id`);

const built = async (name: string, options: Partial<BranchOptions> = {}): Promise<BranchReport> =>
  (await branch({ ...target, name, ...options }, effects)).report;

const table = (name: string): string => `\`${remote.catalog}\`.${name}`;

const relationsIn = async (...schemas: string[]): Promise<string[]> =>
  [...(await listSchemas(remote, schemas)).keys()].sort();

/** The statements that the gateway has received, oldest first. */
const received = async (): Promise<string[]> =>
  (await readFile(rehearsalPlaces(project.paths).statementsLog, 'utf8'))
    .split('\n')
    .filter((line) => line !== '')
    .map((line): string => JSON.parse(line).statement);

const WRITES = /^\s*(\/\*.*?\*\/)?\s*(create|insert|merge|update|delete|alter|drop|restore|replace|truncate)/is;
const written = async (): Promise<string[]> => (await received()).filter((statement) => WRITES.test(statement));

/** The number of data files in a relation's folder. */
async function filesOf(schema: string, name: string): Promise<number> {
  const place = join(rehearsalPlaces(project.paths).warehouse, `${schema}.db`, name);
  return (await readdir(place)).filter((file) => file.endsWith('.parquet')).length;
}

/** What takes longest: a run plays one of them, MEETUP_ALL_CASES=1 both. */
const CHAPTERS = ['a kill', 'newer data'] as const;
const chosen: readonly (typeof CHAPTERS)[number][] = sampled(CHAPTERS, 1);
const isLeftOut = (chapter: (typeof CHAPTERS)[number]): boolean => !chosen.includes(chapter);

// Each test continues from the state that the previous one left.
describe.skipIf(!hasItsTurn('branches'))(`a branch (${howSampled})`, () => {
  it('has what differs and what is downstream of it, and readers see nothing of that', async () => {
    const before = await contentsOf(remote);
    await project.write(STAGING, NEW_NAMES);
    const report = await built('upper');
    expect(report).toMatchObject({ status: 'built', problems: [], pinned: [], removed: [] });
    expect(report.models.map(({ place, begins, status }) => [place, begins, status])).toEqual([
      ['marts__branch_upper.group_log', 'clone', 'pass'],
      ['marts__branch_upper.group_names', 'scratch', 'pass'],
      ['staging__branch_upper.stg_groups', 'scratch', 'pass'],
    ]);
    expect(report.nodes.filter(({ kind }) => kind === 'test').map(({ status }) => status)).toContain('pass');
    expect(await relationsIn(...report.schemas)).toEqual(report.models.map(({ place }) => place));
    expect(await contentsOf(remote)).toEqual(before);
    const [{ names } = {}] = await remote.connection.rows(
      `select count(*) as names from ${table('marts__branch_upper.group_log')} where group_id % 2 = 0 and group_name = upper(group_name)`,
    );
    expect(Number(names)).toBeGreaterThan(0);
  });

  it('shows what the numbers do', async () => {
    const [{ changed, total } = {}] = await remote.connection.rows(
      `select sum(case when old.group_name = new.group_name then 0 else 1 end) as changed, count(*) as total
       from ${table('marts.group_names')} as old join ${table('marts__branch_upper.group_names')} as new using (group_id)`,
    );
    const { changes, status } = await built('upper', { diffOnly: true });
    expect(status).toBe('unchanged');
    expect(changes.exceeded).toEqual([]);
    const names = changes.marts.find(({ name }) => name === 'group_names');
    const rows = { before: Number(total), after: Number(total) };
    expect(names).toMatchObject({ status: 'changed', key: ['group_id'], rows, added: 0, removed: 0, columns: [] });
    expect(names?.changed).toBe(Number(changed));
    expect(names?.values).toMatchObject([{ column: 'group_name', differing: Number(changed), personal: false }]);
    expect(names?.values[0]?.top?.length).toBeGreaterThan(0);
    for (const { kind, cells } of names?.examples ?? []) {
      expect(kind).toBe('changed');
      expect(cells).toEqual([
        { column: 'group_name', before: expect.any(String), after: cells[0]?.before?.toUpperCase() },
      ]);
    }
    expect(names?.examples.length).toBeGreaterThan(0);
  });

  it('fails if it changes more than meetup.yml allows, and shows no personal values', async () => {
    const paths = {
      ...project.paths,
      settings: {
        ...project.paths.settings,
        branch: { max_changed: '1%', models: { group_log: { max_changed: 1000 } } },
        personal: { 'group_names.group_name': true },
      },
    };
    const { exitCode, report } = await branch({ ...target, paths, name: 'upper' }, effects);
    expect(exitCode).toBe(1);
    expect(report).toMatchObject({ status: 'exceeded', changes: { exceeded: [{ mart: 'group_names' }] } });
    const names = report.changes.marts.find(({ name }) => name === 'group_names');
    expect(names?.values).toMatchObject([{ column: 'group_name', personal: true }]);
    expect(names?.values[0]).not.toHaveProperty('top');
    expect(names?.examples.flatMap(({ cells }) => cells)).toEqual([]);
  });

  it('is not touched if code and inputs are the same', async () => {
    const before = (await written()).length;
    expect(await built('upper')).toMatchObject({ status: 'unchanged', nodes: [] });
    expect((await written()).length).toBe(before);
  });

  it('is listed', async () => {
    const { report } = await list(target, effects);
    expect(report.branches).toMatchObject([{ name: 'upper', project: 'meetup', status: 'built', expired: false }]);
    expect(report.branches[0]?.bytes).toBeGreaterThan(0);
  });

  it.each(['x; drop schema marts', 'Upper', 'a__b', '', 'x'.repeat(41)])("can't be called '%s'", async (name) => {
    await expect(built(name)).rejects.toThrow("can't be the name of a branch");
    await expect(drop({ ...target, name }, effects)).rejects.toThrow("can't be the name of a branch");
  });

  it('is not built or dropped where nobody recorded a branch', async () => {
    await remote.connection.run(`create schema ${table('marts__branch_mine')}`);
    await remote.connection.run(`create table ${table('marts__branch_mine.kept')} using delta as select 1 as id`);
    await expect(built('mine')).rejects.toThrow('marts__branch_mine holds relations that no branch has recorded');
    await expect(drop({ ...target, name: 'mine' }, effects)).rejects.toThrow(
      'There is no branch mine to drop: rehearsal has upper.',
    );
    expect(await relationsIn('marts__branch_mine')).toEqual(['marts__branch_mine.kept']);
  });

  it('is dropped by the next command once its time is over, with schemas of its own only', async () => {
    await remote.connection.run(`create schema ${table('marts__branch_brief')}`);
    const schemas = ['marts__branch_brief', 'marts', 'marts__branch_upper'];
    const expiresAt = new Date(Date.now() - 1000).toISOString();
    await writeBranchEntry(remote, 'brief', 'begun', { project: 'meetup', expiresAt, schemas });
    const before = await contentsOf(remote);
    expect(await built('upper')).toMatchObject({ status: 'unchanged', expired: ['brief'] });
    await expect(remote.connection.rows(`show tables in ${table('marts__branch_brief')}`)).rejects.toThrow(/NOT_FOUND/);
    expect(await relationsIn('marts__branch_upper')).not.toEqual([]);
    expect(await contentsOf(remote)).toEqual(before);
  });

  it.skipIf(isLeftOut('a kill'))('is completed after its process was killed', async () => {
    const running = meetup(['branch', 'killed', '--target', 'rehearsal'], { ...project.env });
    const isThere = async (): Promise<boolean> =>
      (await readBranches(remote)).some(({ name, keys }) => name === 'killed' && Object.keys(keys).length > 0);
    while (!(await isThere())) await delay(50);
    running.child.kill('SIGKILL');
    await running;
    expect((await readBranches(remote)).find(({ name }) => name === 'killed')?.status).toBe('building');
    const report = await built('killed');
    expect(report.models.map(({ status }) => status)).toContain('kept');
    expect(report.models.map(({ status }) => status)).not.toContain('skip');
    expect(await rowsOf('marts__branch_killed.group_log')).toEqual(await rowsOf('marts__branch_upper.group_log'));
  });

  it.skipIf(isLeftOut('newer data'))(
    'reads tables that are newer than the deployed marts as of the deployment',
    async () => {
      await remote.connection.run(`update ${table('raw.groups')} set name = 'renamed later'`);
      const report = await built('pinned');
      expect(report).toMatchObject({ status: 'built', pinned: [{ relation: 'raw.groups' }] });
      expect(await relationsIn(...report.schemas)).toEqual([
        'marts__branch_pinned.group_log',
        'marts__branch_pinned.group_names',
        'raw__branch_pinned.groups',
        'staging__branch_pinned.stg_groups',
      ]);
      expect(await filesOf('raw__branch_pinned', 'groups')).toBe(0);
      expect(await rowsOf('marts__branch_pinned.group_names')).toEqual(await rowsOf('marts__branch_upper.group_names'));
      const names = report.changes.marts.find(({ name }) => name === 'group_names');
      expect(names).toMatchObject({ status: 'changed', added: 0, removed: 0 });
      expect(names?.changed).toBeLessThan(names?.rows.before ?? 0);
      expect(await built('pinned')).toMatchObject({ status: 'unchanged' });
    },
  );

  it('is what ci builds of a change, puts into its summary, and takes away', async () => {
    const summary = join(project.paths.state, 'summary.md');
    const before = await contentsOf(remote);
    const known = (await readBranches(remote)).length;
    const { exitCode, report } = await ci({ ...target, only: 'branch', summary }, effects);
    expect(report.parts).toMatchObject([{ name: 'branch', status: 'pass', branch: { status: 'built' } }]);
    expect(exitCode).toBe(0);
    expect(await readFile(summary, 'utf8')).toMatch(/group_names/);
    expect(await readBranches(remote)).toHaveLength(known);
    const { branch: built } = report.parts[0]?.name === 'branch' ? report.parts[0] : {};
    expect(built?.schemas).not.toEqual([]);
    expect(await relationsIn(...(built?.schemas ?? []))).toEqual([]);
    expect(await contentsOf(remote)).toEqual(before);
  });

  it('is empty if the code is that of the deployment, and can be dropped', async () => {
    await project.write(STAGING, OLD_NAMES);
    expect(await built('upper')).toMatchObject({ models: [], status: 'built' });
    expect(await relationsIn('marts__branch_upper', 'staging__branch_upper')).toEqual([]);
    const before = await contentsOf(remote);
    const { report } = await drop({ ...target, name: 'upper' }, effects);
    expect(report.schemas).toContain('marts__branch_upper');
    expect((await list(target, effects)).report.branches.map(({ name }) => name)).not.toContain('upper');
    expect(await relationsIn('marts__branch_mine')).toEqual(['marts__branch_mine.kept']);
    expect(await contentsOf(remote)).toEqual(before);
  });
});
