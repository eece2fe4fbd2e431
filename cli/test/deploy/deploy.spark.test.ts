import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { run as build } from '../../src/commands/build.ts';
import { type DeployOptions, type DeployReport, run as deploy } from '../../src/commands/deploy.ts';
import { run as forget } from '../../src/commands/forget.ts';
import { run as rehearsal } from '../../src/commands/rehearsal.ts';
import { run as rollback } from '../../src/commands/rollback.ts';
import {
  currentDeployment,
  deployedNow,
  interrupted,
  prepareLedger,
  readLedger,
  WHOLE,
} from '../../src/deploy/ledger.ts';
import { withDeployLock } from '../../src/deploy/lock.ts';
import { landingPath } from '../../src/deploy/raw/land.ts';
import { type Remote, volumePath } from '../../src/deploy/remote.ts';
import type { EngineClient } from '../../src/engine/client.ts';
import { load } from '../../src/ingest/load.ts';
import { rehearsalConnection } from '../../src/rehearsal/connection.ts';
import { rehearsalPlaces } from '../../src/rehearsal/places.ts';
import { connectTarget, remoteTarget } from '../../src/targets/target.ts';
import { DuckDbWarehouse } from '../../src/warehouse/duckdb.ts';
import { quietEffects } from '../support/effects.ts';
import { interpreting } from '../support/interpreted-spark.ts';
import { meetup } from '../support/meetup.ts';
import { publishedRows } from '../support/rows.ts';
import { hasItsTurn, howSampled, sampled } from '../support/sampled.ts';
import { sparkOf } from '../support/spark-process.ts';
import { deployEngines } from '../support/warm-engine.ts';
import { contentsOf, rowsOf } from './contents.ts';
import { pollingReader, type Seen } from './polling-reader.ts';
import { type TinyProject, tinyProject } from './tiny-project.ts';

/** Spark's first installation takes minutes. */
const START_MS = 600_000;

// A statement on Spark takes a second on an idle machine and ten on a busy one.
vi.setConfig({ testTimeout: 900_000 });

const effects = quietEffects({ env: interpreting(process.env) });
let folder: string;
let project: TinyProject;
let remote: Remote;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-deploy-'));
  project = await tinyProject(folder);
  await rehearsal({ paths: project.paths, action: 'up' }, effects);
  remote = await connected();
}, START_MS);

afterAll(async () => {
  await remote?.connection.close();
  await rehearsal({ paths: project.paths, action: 'down' }, effects);
  await rm(folder, { recursive: true, force: true });
}, START_MS);

async function connected(): Promise<Remote> {
  const target = await remoteTarget('rehearsal', project.paths, effects, { start: true });
  return { connection: await connectTarget(target, effects), catalog: target.catalog };
}

/** The statements that the gateway has received, oldest first. */
const received = async (): Promise<string[]> =>
  (await readFile(rehearsalPlaces(project.paths).statementsLog, 'utf8'))
    .split('\n')
    .filter((line) => line !== '')
    .map((line): string => JSON.parse(line).statement);

async function deployed(options: Partial<DeployOptions> = {}): Promise<DeployReport> {
  const { paths } = project;
  return (await deploy({ paths, target: 'rehearsal', maxRejected: 0.5, yes: true, ...options }, effects)).report;
}

/** The marts that readers see as views. */
const PUBLISHED = ['marts.event_log', 'marts.group_events'] as const;

/** Runs something while somebody reads all published marts. */
async function whileReading(work: () => Promise<void>): Promise<Seen> {
  const reader = await connected();
  try {
    const stop = pollingReader(reader, PUBLISHED);
    const failure = await work().catch((error: unknown) => ({ error }));
    const seen = await stop();
    if (failure !== undefined) throw failure.error;
    expect(seen.errors).toEqual([]);
    return seen;
  } finally {
    await reader.connection.close();
  }
}

/** The content of each published mart, as a reader reports it. */
async function publishedNow(): Promise<Record<string, string>> {
  return Object.fromEntries([...(await rowsOf(remote, PUBLISHED))].map(([view, rows]) => [view, rows.join(' ')]));
}

/** @returns the relations that the rollback restored. */
async function rollBackTo(to: string | null | undefined): Promise<readonly string[]> {
  const options = { paths: project.paths, target: 'rehearsal', to: to ?? undefined, yes: true } as const;
  const { report } = await rollback(options, effects);
  expect(report.failed).toEqual([]);
  return report.restored;
}

const actions = ({ models }: DeployReport): Record<string, string> =>
  Object.fromEntries(models.map(({ name, action }) => [name, action]));

const GROUP_NAMES = "select group_id, group_name from {{ ref('stg_groups') }}\n";
const GROUP_EVENTS = "select group_id, count(*) as event_count from {{ ref('event_log') }} group by group_id\n";
const AS_VIEW = `{{ config(materialized='view') }}\nselect group_id, lower(group_name) as group_name from {{ ref('stg_groups') }}\n`;

const sql = (statement: string) => remote.connection.run(statement);
const table = (name: string): string => `\`${remote.catalog}\`.${name}`;

/**
 * What follows the first deployments, in chapters that each leave the project and the target in agreement. A run plays a sample of
 * them; MEETUP_ALL_CASES=1 plays them all.
 */
const CHAPTERS = [
  'a failing test',
  'a different mart',
  'drift',
  'raw drift',
  'rollbacks and retired relations',
  'changed columns',
  'two deployments at a time',
  'what was forgotten',
  'prod',
  'the death of Spark',
  'a kill',
] as const;
type Chapter = (typeof CHAPTERS)[number];
const chosen: readonly Chapter[] = sampled(CHAPTERS, 1);

const isPlayed = hasItsTurn('a target');
const isLeftOut = (chapter: Chapter): boolean => !isPlayed || !chosen.includes(chapter);

// Each test continues from the state that the previous one left.
describe.skipIf(!isPlayed)(`a target (${howSampled})`, () => {
  // Later tests kill what these engines depend on, and start their own.
  let engines: readonly EngineClient[] = [];
  beforeAll(async () => {
    engines = await deployEngines(project.paths, effects);
  }, START_MS);
  afterAll(async () => {
    await Promise.all(engines.map((engine) => engine.close()));
  });

  it('receives all raw rows and models, with marts equal to the local ones', async () => {
    const report = await deployed();
    expect(report).toMatchObject({ status: 'deployed', base: null });
    expect(report.uploadedBytes).toBeGreaterThan(0);
    expect(actions(report)).toEqual({
      stg_groups: 'create',
      group_names: 'create',
      event_log: 'create',
      group_events: 'create',
    });
    expect(report.parity?.map(({ name, status }) => [name, status])).toEqual([
      ['event_log', 'equal'],
      ['group_events', 'equal'],
      ['group_names', 'equal'],
    ]);
    const ledger = await readLedger(remote);
    expect(ledger.map(({ event }) => event)).toEqual(['begun', 'audited', 'finished']);
    expect(ledger.at(-1)?.plan_hash).toBe(report.hash);
  });

  it('is not touched if nothing changed', async () => {
    const report = await deployed();
    expect(report).toMatchObject({ status: 'unchanged', uploadedBytes: 0 });
    expect(new Set(Object.values(actions(report)))).toEqual(new Set(['keep']));
  });

  it('receives only changed models and those downstream', async () => {
    await project.write(
      'dbt/models/staging/stg_groups.sql',
      "select group_id, upper(max(name)) as group_name from {{ source('raw', 'groups') }} group by group_id\n",
    );
    const report = await deployed();
    expect(report).toMatchObject({ status: 'deployed', uploadedBytes: 0 });
    expect(report.models.map(({ name, action, reason }) => [name, action, reason])).toEqual([
      ['event_log', 'keep', 'unchanged since it was deployed'],
      ['group_events', 'keep', 'unchanged since it was deployed'],
      ['group_names', 'refresh', 'downstream of stg_groups'],
      ['stg_groups', 'replace', 'changed (modified.body)'],
    ]);
  });

  it('only accepts the plan that was reviewed', async () => {
    await project.nextDay();
    const stray = landingPath(remote, { name: 'groups-left.parquet' });
    await remote.connection.put(join(project.paths.dbtProject, 'dbt_project.yml'), stray);
    await expect(deployed({ yes: false, planHash: '0123' })).rejects.toThrow(/The plan is now [0-9a-f]+, not 0123/);
    const planned = await deployed({ planOnly: true });
    expect(planned.status).toBe('planned');
    expect(await deployed({ yes: false, planHash: planned.hash })).toMatchObject({ status: 'deployed' });
  });

  it('receives a new batch once, and incremental models process only its rows', async () => {
    const { details } = (await readLedger(remote)).at(-1) ?? { details: {} };
    expect(details).toMatchObject({
      models: { 'marts_build.event_log': 'increment', 'marts_build.group_events': 'refresh' },
    });
    const [counts] = await remote.connection.rows(
      `select count(*) as batches, count(distinct batch_id) as different from ${table('raw.batches')}`,
    );
    expect(counts).toMatchObject({ batches: 2, different: 2 });
    const landing = volumePath(remote, 'landing');
    expect(await remote.connection.rows(`select path from binaryFile.\`${landing}\``)).toEqual([]);
  });

  it('is compared by fingerprints if its manifest is lost', async () => {
    const manifest = (await readLedger(remote)).at(-1)?.details.deployed?.manifest ?? '';
    await remote.connection.remove(manifest);
    await rm(join(project.paths.state, 'deploy', 'manifests'), { recursive: true });
    const report = await deployed();
    expect(report).toMatchObject({ status: 'unchanged', held: [expect.any(String), expect.any(String)] });
    expect(effects.warnings.at(-1)).toMatch(/^The manifest of .* can't be fetched/);
  });

  it.skipIf(isLeftOut('a failing test'))('is put back after a failing test', async () => {
    const before = await contentsOf(remote);
    await project.write('dbt/tests/only_on_spark.sql', "select 1 as wrong where '{{ target.name }}' = 'rehearsal'\n");
    await project.write(
      'dbt/models/marts/group_events.sql',
      "select group_id, count(*) + 1 as event_count from {{ ref('event_log') }} group by group_id\n",
    );
    // dbt drops a table to create a view with the same name.
    await project.write('dbt/models/marts/group_names.sql', AS_VIEW);
    const old = await publishedNow();
    let report: DeployReport | undefined;
    const seen = await whileReading(async () => {
      report = await deployed();
    });
    if (report === undefined) throw new Error('nothing was deployed');
    expect(seen.reads).toBeGreaterThan(1);
    for (const view of PUBLISHED) expect(seen.contents.get(view)).toEqual([old[view]]);
    expect(report.status).toBe('undone');
    expect(report.reason).toContain('only_on_spark');
    expect(report.undone).toMatchObject({ restored: ['marts.group_names', 'marts_build.group_events'], failed: [] });
    expect(await contentsOf(remote)).toEqual(before);
    expect((await readLedger(remote)).at(-1)?.event).toBe('undone');
    await project.remove('dbt/tests/only_on_spark.sql');
    await project.write('dbt/models/marts/group_names.sql', GROUP_NAMES);
    await project.write('dbt/models/marts/group_events.sql', GROUP_EVENTS);
  });

  it.skipIf(isLeftOut('a different mart'))('is put back if its marts differ from the local ones', async () => {
    const before = await contentsOf(remote);
    await project.write(
      'dbt/models/marts/group_events.sql',
      "select group_id, count(*) + {{ 1 if target.name == 'rehearsal' else 0 }} as event_count from {{ ref('event_log') }} group by group_id\n",
    );
    const report = await deployed();
    expect(report).toMatchObject({ status: 'undone', reason: 'group_events differs from the local marts' });
    expect(report.parity?.find(({ name }) => name === 'group_events')?.message).toMatch(
      /event_count is \d+ here, \d+ there/,
    );
    expect(await contentsOf(remote)).toEqual(before);
    await project.write('dbt/models/marts/group_events.sql', GROUP_EVENTS);
  });

  it.skipIf(isLeftOut('drift'))('is not overwritten without --force if it has drifted', async () => {
    const [first] = await remote.connection.rows(`select min(group_id) as id from ${table('marts.group_names')}`);
    await sql(`delete from ${table('marts.group_names')} where group_id = ${first?.id}`);
    const planned = await deployed({ planOnly: true });
    expect(planned.drift).toMatchObject([{ relation: 'marts.group_names', what: expect.stringContaining('DELETE') }]);
    await expect(deployed()).rejects.toThrow(
      /has drifted since the last deployment: marts.group_names .*rollback --target rehearsal --to/,
    );
    expect(await deployed({ force: true })).toMatchObject({ status: 'deployed' });
    expect((await deployed()).status).toBe('unchanged');
  });

  it.skipIf(isLeftOut('raw drift'))('is not touched while its raw tables have drifted', async () => {
    const before = await contentsOf(remote);
    const { base } = await deployed({ planOnly: true });
    await sql(`delete from ${table('raw.groups')}`);
    await expect(deployed({ force: true })).rejects.toThrow(/raw.groups .*--full-refresh/);
    const { report } = await rollback(
      { paths: project.paths, target: 'rehearsal', to: base ?? '', yes: true },
      effects,
    );
    expect(report).toMatchObject({ status: 'rolled back', to: base, restored: ['raw.groups'], failed: [] });
    expect(await contentsOf(remote)).toEqual(before);
  });

  it.skipIf(isLeftOut('rollbacks and retired relations'))(
    'can be rolled back to its state before a deployment, and forward again',
    async () => {
      const before = await contentsOf(remote);
      const { base } = await deployed({ planOnly: true });
      await project.write('dbt/models/marts/group_names.sql', AS_VIEW);
      await project.write('dbt/models/marts/group_ids.sql', "select group_id from {{ ref('stg_groups') }}\n");
      await project.write(
        'dbt/models/marts/group_ids.yml',
        'models: [{name: group_ids, columns: [{name: group_id, data_type: bigint}]}]\n',
      );
      const forward = await deployed();
      expect(actions(forward)).toMatchObject({ group_names: 'replace', group_ids: 'create', event_log: 'keep' });
      const after = await contentsOf(remote);
      // Tables are kept for one deployment.
      expect(after).toHaveProperty(['marts.meetup_aside__group_names']);
      expect(await rollBackTo(base)).toEqual(['marts.group_ids', 'marts.group_names']);
      const { 'marts.meetup_aside__group_ids': kept, ...back } = await contentsOf(remote);
      expect(kept).toBe(after['marts.group_ids']);
      expect(back).toEqual(before);
      expect(await rollBackTo(forward.deployment)).toEqual(['marts.group_ids', 'marts.group_names']);
      expect(await contentsOf(remote)).toEqual(after);

      await rollBackTo(base);
      const [whole, brief] = [await readLedger(remote, WHOLE), await readLedger(remote, 1)];
      expect(currentDeployment(brief)).toBe(currentDeployment(whole));
      expect(brief.map(({ details }) => details.to)).toEqual(whole.map(({ details }) => details.to));
      expect(deployedNow(brief)).toEqual(deployedNow(whole));
      expect(brief[0]?.details.before).toBeUndefined();
      await sql(`drop table ${table('marts.meetup_aside__group_ids')}`);
      await expect(rollBackTo(forward.deployment)).rejects.toThrow(/can't go back .*marts.group_ids was dropped/);
      expect(await contentsOf(remote)).toEqual(before);
      expect(actions(await deployed())).toMatchObject({ group_names: 'replace', group_ids: 'create' });
      expect(await contentsOf(remote)).toEqual(after);
    },
  );

  it.skipIf(isLeftOut('rollbacks and retired relations'))(
    'is planned to receive a seed again if one cell of it changed, even if the file is too large for a checksum of dbt',
    async () => {
      const place = 'dbt/seeds/notes.csv';
      const seed = (last: string): string =>
        `id,note\n${Array.from({ length: 12 }, (_, id) => `${id},${'x'.repeat(100_000)}${id === 11 ? last : ''}\n`).join('')}`;
      await project.write(place, seed('a'));
      expect(actions(await deployed())).toMatchObject({ notes: 'create' });
      expect(actions(await deployed({ planOnly: true }))).toMatchObject({ notes: 'keep' });
      await project.write(place, seed('b'));
      const { models } = await deployed({ planOnly: true });
      expect(models.filter(({ action }) => action !== 'keep')).toMatchObject([{ name: 'notes', action: 'replace' }]);
      // The next test deploys without it.
      await project.remove(place);
    },
  );

  it.skipIf(isLeftOut('rollbacks and retired relations'))(
    'keeps relations that left the project for one deployment, so that a rollback can restore them',
    async () => {
      await project.remove('dbt/models/marts/group_ids.sql');
      await project.remove('dbt/models/marts/group_ids.yml');
      await expect(deployed()).rejects.toThrow('group_ids was removed. Nothing in the project reads it.');
      const accepted = await deployed({ acceptBreak: 'nobody reads it' });
      expect(actions(accepted)).toMatchObject({ group_ids: 'retire', notes: 'retire' });
      expect((await readLedger(remote)).findLast(({ event }) => event === 'begun')?.details.acceptedBreak).toBe(
        'nobody reads it',
      );
      const left = await contentsOf(remote);
      expect(left).toHaveProperty(['marts.group_ids']);
      expect(left).toHaveProperty(['marts.notes']);
      expect(actions(await deployed())).toMatchObject({ group_ids: 'remove', notes: 'remove' });
      expect(Object.keys(await contentsOf(remote)).filter((name) => name.startsWith('marts.'))).toEqual([
        'marts.event_log',
        'marts.group_events',
        'marts.group_names',
      ]);
      expect((await deployed()).status).toBe('unchanged');
    },
  );

  it.skipIf(isLeftOut('changed columns'))(
    'receives columns that schemas gained or retyped, without new records',
    async () => {
      const change = async (entity: string, edit: (schema: string) => string): Promise<void> => {
        const place = `data/schemas/${entity}.schema.json`;
        await project.write(place, edit(await readFile(join(project.paths.root, place), 'utf8')));
      };
      await change('groups', (text) => text.replace(/("created": \{\s*"type": )"integer"/, '$1"number"'));
      await change('venues', (text) =>
        text.replace('"properties": {', '"properties": { "capacity": { "type": "integer" },'),
      );
      await load({ paths: project.paths, maxRejected: 0.5, migrates: true }, effects);
      const before = await remote.connection.rows(
        `select count(*) as n, sum(created) as total from ${table('raw.groups')}`,
      );
      const report = await deployed();
      expect(report).toMatchObject({
        status: 'deployed',
        batches: [],
        columns: [
          { table: 'groups', added: [], retyped: [{ name: 'created', from: 'bigint', to: 'double' }] },
          { table: 'venues', added: ['capacity'], retyped: [] },
        ],
        uploads: [{ table: 'groups' }],
      });
      expect(report.models.find(({ name }) => name === 'stg_groups')).toMatchObject({
        action: 'refresh',
        reason: 'types of raw.groups changed',
      });
      const describedAs = async (name: string, column: string): Promise<unknown> =>
        (await remote.connection.rows(`describe table ${table(name)}`)).find(({ col_name: one }) => one === column)
          ?.data_type;
      expect(await describedAs('raw.groups', 'created')).toBe('double');
      expect(await describedAs('raw.venues', 'capacity')).toBe('bigint');
      const after = await remote.connection.rows(
        `select count(*) as n, sum(created) as total from ${table('raw.groups')}`,
      );
      expect(after.map(({ n, total }) => [Number(n), Number(total)])).toEqual(
        before.map(({ n, total }) => [Number(n), Number(total)]),
      );
      expect((await deployed()).status).toBe('unchanged');
    },
  );

  it.skipIf(isLeftOut('two deployments at a time'))(
    'accepts one deployment at a time, but another one may find that nothing changed',
    async () => {
      const place = 'dbt/models/marts/group_events.sql';
      const text = await readFile(join(project.paths.root, place), 'utf8');
      await withDeployLock(remote, 'another', async () => {
        expect((await deployed()).status).toBe('unchanged');
      });
      await project.write(place, `${text}-- nothing\nhaving count(*) > 0\n`);
      let isHeld = true;
      const other = withDeployLock(remote, 'another', async () => {
        await delay(20_000);
        isHeld = false;
      });
      expect(await deployed()).toMatchObject({ status: 'deployed' });
      expect(isHeld).toBe(false);
      await other;
      await project.write(place, text);
      expect((await deployed()).status).toBe('deployed');
    },
  );

  it.skipIf(isLeftOut('what was forgotten'))(
    'loses what was forgotten here, with every earlier version, and no rollback brings it back',
    async () => {
      // The chapter of rollbacks makes it a view, which has no earlier versions.
      await project.write('dbt/models/marts/group_names.sql', GROUP_NAMES);
      await project.write('dbt/snapshots/group_history.yml', GROUP_HISTORY);
      await deployed();
      const [[id, name] = []] = await publishedRows(
        project.paths,
        // The first name of all would be in the statistics of Delta's log.
        'select group_id, group_name from marts.group_events inner join marts.group_names using (group_id) qualify count(*) over (partition by group_name) = 1 order by group_name limit 1',
      );
      // Statistics cut texts off.
      const held = (): Promise<string[]> => filesWith(String(name).slice(0, 30));
      const given = [{ name: 'group_id', value: String(id) }];
      const before = currentDeployment(await readLedger(remote)) ?? '';
      const history = async () =>
        (await remote.connection.rows(`select group_name from ${table('snapshots.group_history')}`)).map(
          ({ group_name: text }) => text,
        );
      const others = (await history()).filter((text) => text !== name);
      expect((await history()).length).toBeGreaterThan(others.length);
      await project.write('fixtures/models/group_names.yml', fixtureOf(String(id)));
      expect(await forget({ paths: project.paths, given, yes: true }, effects)).toMatchObject({ exitCode: 0 });
      expect(await held()).not.toEqual([]);
      const fixture = await readFile(join(project.paths.root, 'fixtures/models/group_names.yml'), 'utf8');
      expect(fixture).not.toContain(`group_id: ${id},`);
      expect(await manifestsOnTarget()).not.toEqual([]);
      expect(await deployed({ planOnly: true })).toMatchObject({ forgets: [expect.any(String)], vacuums: true });
      const report = await deployed();
      expect(report).toMatchObject({
        status: 'deployed',
        vacuumed: {
          tables: expect.arrayContaining([
            'raw.groups',
            'raw.events',
            'marts.group_names',
            'marts_build.event_log',
            'snapshots.group_history',
          ]),
        },
      });
      expect((await history()).sort()).toEqual(others.sort());
      const [manifest = '', ...earlier] = await manifestsOnTarget();
      expect(earlier).toEqual([]);
      expect(manifest).toContain('knows_its_name');
      expect(manifest).not.toContain(`"group_id": ${id},`);
      expect(new Set(report.parity?.map(({ status }) => status))).toEqual(new Set(['equal']));
      expect(await held()).toEqual([]);
      await expect(
        remote.connection.rows(`select * from ${table('marts.group_names')} version as of 0`),
      ).rejects.toThrow();
      await expect(rollBackTo(before)).rejects.toThrow(
        `rehearsal can't go back to ${before}: something was forgotten since`,
      );
      expect((await deployed()).status).toBe('unchanged');
      await project.remove('dbt/snapshots/group_history.yml');
      await project.remove('fixtures/models/group_names.yml');
      await deployed();
    },
  );
});

const GROUP_HISTORY = `
snapshots:
  - name: group_history
    relation: ref('stg_groups')
    config:
      schema: snapshots
      unique_key: group_id
      strategy: check
      check_cols: [group_name]
      tblproperties: {delta.dataSkippingNumIndexedCols: '0'}
`;

/** A unit test with a group of this id. */
const fixtureOf = (id: string): string => `
unit_tests:
  - name: knows_its_name
    model: group_names
    given: [{input: ref('stg_groups'), rows: [{group_id: ${id}, group_name: A}]}]
    expect: {rows: [{group_id: ${id}, group_name: A}]}
`;

/** The manifests of deployments in the target's volume. */
async function manifestsOnTarget(): Promise<string[]> {
  const { volumes } = rehearsalPlaces(project.paths);
  const files = await readdir(volumes, { recursive: true, withFileTypes: true });
  const packed = files.filter(({ name }) => name === 'manifest.json.gz');
  return Promise.all(
    packed.map(async ({ parentPath, name }) => gunzipSync(await readFile(join(parentPath, name))).toString()),
  );
}

/** The files of the target's tables, with Delta's log, and those in its volumes, that hold a text. */
async function filesWith(text: string): Promise<string[]> {
  const { warehouse, volumes } = rehearsalPlaces(project.paths);
  const found: string[] = [];
  const database = await DuckDbWarehouse.inMemory();
  const holds = async (path: string): Promise<boolean> => {
    if (!path.endsWith('.parquet')) {
      const bytes = await readFile(path);
      return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).includes(text);
    }
    const { rows } = await database.query(
      `select 1 from read_parquet($path) as t where contains(to_json(t)::varchar, $text) limit 1`,
      { path, text },
    );
    return rows.length > 0;
  };
  for (const folder of [warehouse, volumes]) {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile() && (await holds(path))) found.push(path);
    }
  }
  await database.close();
  return found;
}

describe.skipIf(isLeftOut('prod'))('prod', () => {
  it('works like the rehearsal, with another host and credentials, from a rehearsed commit', async () => {
    const commit = await project.commit();
    const { dbtEnvironment, driver } = await rehearsalConnection(project.paths, effects);
    const credentials = {
      ...project.env,
      ...dbtEnvironment,
      DATABRICKS_HOST: dbtEnvironment.MEETUP_REHEARSAL_HOST ?? '',
      DATABRICKS_HTTP_PATH: driver.httpPath,
      DATABRICKS_TOKEN: driver.token ?? '',
      DATABRICKS_CATALOG: remote.catalog,
      NODE_EXTRA_CA_CERTS: driver.caFile ?? '',
    };
    const prod = (...more: string[]) =>
      meetup(['deploy', '--target', 'prod', '--max-rejected', '50%', '--json', ...more], credentials);
    const unrehearsed = await prod('--yes');
    expect(unrehearsed.stdout).toContain(`Commit ${commit.slice(0, 10)} was not rehearsed`);
    expect(unrehearsed.exitCode).toBe(2);
    expect((await deployed()).status).toBe('unchanged');

    await project.write('dbt/models/marts/group_names.sql', `${GROUP_NAMES}-- for prod\n`);
    const dirty = await prod('--yes');
    expect(dirty.stdout).toContain('uncommitted');
    const forced = await prod('--yes', '--force');
    expect(forced.stderr).not.toContain(credentials.DATABRICKS_TOKEN);
    const report: DeployReport = JSON.parse(forced.stdout);
    expect(report).toMatchObject({ status: 'deployed', target: 'prod', dirty: true });
    // A model may read the target's name, so what the rehearsal built in this catalog is not prod's.
    expect(new Set(Object.values(actions(report)))).toEqual(new Set(['replace']));
    expect(report.parity?.map(({ status }) => status)).toEqual(['equal', 'equal', 'equal']);
    const again = await prod('--yes', '--force');
    expect(JSON.parse(again.stdout)).toMatchObject({ status: 'unchanged', uploadedBytes: 0 });
  });
});

describe.skipIf(!isPlayed)('a build without a deployment', () => {
  it('runs on the rehearsal, and is rejected on prod', async () => {
    const { paths } = project;
    const { report } = await build({ paths, target: 'rehearsal', select: 'group_names' }, effects);
    expect(report).toMatchObject({ status: 'pass', models: [{ name: 'group_names', status: 'pass' }] });
    await expect(build({ paths, target: 'prod' }, effects)).rejects.toThrow(
      'only built by `./meetup deploy --target prod`',
    );
  });
});

describe.skipIf(isLeftOut('the death of Spark'))('a deployment during which Spark dies', () => {
  it('is repaired by the next one', async () => {
    await deployed({ force: true });
    const before = await contentsOf(remote);
    await project.write(
      'dbt/models/marts/group_events.sql',
      "select group_id, count(*) + 1 - 1 as event_count from {{ ref('event_log') }} group by group_id\n",
    );
    const { report: running } = await rehearsal({ paths: project.paths, action: 'status' }, effects);
    const already = (await received()).length;
    const lost = deployed().catch((error: unknown) => error);
    const isBuilding = async (): Promise<boolean> =>
      (await received())
        .slice(already)
        .some((statement) => /create or replace table\s.*group_events/is.test(statement));
    while (!(await isBuilding())) await delay(20);
    process.kill(sparkOf(running.processes), 'SIGKILL');
    // It is undone at once if Spark restarts in time, or otherwise by the next deployment.
    expect(await lost).not.toMatchObject({ status: 'deployed' });
    remote = await connected();
    const next = await deployed();
    expect(next.status).toBe('deployed');
    expect(next.parity).toMatchObject([{ name: 'group_events', status: 'equal' }]);
    expect(await contentsOf(remote)).toEqual(before);
  });
});

/** Statements that change something on the target, including meetup's own records. */
const WRITES = /^\s*(\/\*.*?\*\/)?\s*(create|insert|merge|update|delete|alter|drop|put|restore|replace|truncate)/is;

/** How many of the points at which a deployment can be killed are tried, at most a minute each. */
const KILLS = 1;

describe.skipIf(isLeftOut('a kill'))(`a deployment that is killed (${howSampled})`, () => {
  const written = async (): Promise<string[]> => (await received()).filter((statement) => WRITES.test(statement));

  /**
   * Kills a real `./meetup deploy` after it has sent this number of writing statements.
   * @returns the last of them; undefined if it ended before.
   */
  async function killedAfter(count: number): Promise<string | undefined> {
    const before = (await written()).length;
    const running = meetup(['deploy', '--target', 'rehearsal', '--yes', '--max-rejected', '50%'], { ...project.env });
    let ended = false;
    running.finally(() => {
      ended = true;
    });
    while (!ended && (await written()).length < before + count) await delay(5);
    if (ended) return undefined;
    running.child.kill('SIGKILL');
    await running;
    return (await written()).at(-1);
  }

  it('leaves every table in its old or in its new state, at whatever point it is killed', {
    timeout: 10_800_000,
  }, async () => {
    await deployed({ force: true });
    const before = await contentsOf(remote);
    const old = await publishedNow();
    await project.write(
      'dbt/models/staging/stg_groups.sql',
      "select group_id, min(name) || '!' as group_name from {{ source('raw', 'groups') }} group by group_id\n",
    );
    await project.write(
      'dbt/models/marts/event_log.sql',
      (await readFile(join(project.paths.dbtProject, 'models/marts/event_log.sql'), 'utf8')).replace(
        'name as event_name',
        'upper(name) as event_name',
      ),
    );
    await project.nextDay();
    const start = (await written()).length;
    await deployed();
    const after = await contentsOf(remote);
    expect(after).not.toEqual(before);
    const fresh = await publishedNow();
    const isOldOrNew = ({ contents }: Seen, when: string): void => {
      for (const view of PUBLISHED) {
        for (const content of contents.get(view) ?? []) expect([old[view], fresh[view]], when).toContain(content);
      }
    };
    const statements = (await written()).length - start;
    expect(statements).toBeGreaterThan(15);
    const back = await whileReading(async () => {
      await rollback({ paths: project.paths, target: 'rehearsal', yes: true }, effects);
    });
    isOldOrNew(back, 'in a rollback');
    expect(await publishedNow()).toEqual(old);

    const points = Array.from({ length: statements }, (_, at) => at + 1);
    for (const count of sampled(points, KILLS)) {
      let killed = false;
      const seen = await whileReading(async () => {
        const sent = await killedAfter(count);
        killed = sent !== undefined;
        await prepareLedger(remote);
        const left = interrupted(await readLedger(remote));
        if (left === undefined) return;
        const { report } = await rollback({ paths: project.paths, target: 'rehearsal', yes: true }, effects);
        // Spark may still execute the last statement that was sent. If that completes the deployment, the rollback starts from it.
        const published = sent?.includes(", 'finished', ") ? ['published', 'rolled back'] : ['published'];
        expect(left.event === 'audited' ? published : ['undone', 'published', 'rolled back']).toContain(report.status);
        expect(report.failed).toEqual([]);
      });
      isOldOrNew(seen, `killed after statement ${count}`);
      const now = await contentsOf(remote);
      const isAfter = JSON.stringify(now) === JSON.stringify(after);
      // In the second half, it may have ended or have been completed.
      if (count <= statements / 2)
        expect({ killed, isAfter }, `statement ${count}`).toEqual({ killed: true, isAfter: false });
      if (isAfter) await rollback({ paths: project.paths, target: 'rehearsal', yes: true }, effects);
      else expect(now, `killed after statement ${count}`).toEqual(before);
    }
    expect(await deployed()).toMatchObject({ status: 'deployed' });
    expect(await contentsOf(remote)).toEqual(after);
  });
});
