import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type DeployOptions, type DeployReport, run as deploy } from '../../src/commands/deploy.ts';
import { run as rehearsal } from '../../src/commands/rehearsal.ts';
import { run as rollback } from '../../src/commands/rollback.ts';
import { currentDeployment, readLedger, writeEntry } from '../../src/deploy/ledger.ts';
import { withDeployLock } from '../../src/deploy/lock.ts';
import { localBatches, newBatches, remoteBatches } from '../../src/deploy/raw/batches.ts';
import { exportBatches } from '../../src/deploy/raw/export.ts';
import { appendStatement, uploadFile } from '../../src/deploy/raw/land.ts';
import type { Remote } from '../../src/deploy/remote.ts';
import { runsIn } from '../../src/deploy/runs.ts';
import type { EngineClient } from '../../src/engine/client.ts';
import { load } from '../../src/ingest/load.ts';
import { readRawTables } from '../../src/ingest/raw-tables.ts';
import { rehearsalPlaces } from '../../src/rehearsal/places.ts';
import { connectTarget, remoteTarget } from '../../src/targets/target.ts';
import { openPublished } from '../../src/warehouse/duckdb.ts';
import { quietEffects } from '../support/effects.ts';
import { interpreting } from '../support/interpreted-spark.ts';
import { publishedRows } from '../support/rows.ts';
import { hasItsTurn, howSampled, sampled } from '../support/sampled.ts';
import { deployEngines } from '../support/warm-engine.ts';
import { type DbtRun, startDbt } from './dbt-run.ts';
import { type TinyProject, tinyProject } from './tiny-project.ts';

const START_MS = 600_000;

vi.setConfig({ testTimeout: 900_000 });

/** Published through a view, which readers see in the schema marts. */
const GROUP_EVENTS = `
select group_id, count(*) as event_count from {{ ref('event_log') }} group by group_id
`;

const effects = quietEffects({ env: interpreting(process.env) });
let folder: string;
let project: TinyProject;
let remote: Remote;
let engines: readonly EngineClient[] = [];
/** The commit that is deployed. */
let commit: string;
let jobRuns = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-jobs-'));
  project = await tinyProject(folder);
  await project.write('dbt/models/marts/group_events.sql', GROUP_EVENTS);
  await rehearsal({ paths: project.paths, action: 'up' }, effects);
  const target = await remoteTarget('rehearsal', project.paths, effects, { start: true });
  remote = { connection: await connectTarget(target, effects), catalog: target.catalog };
  engines = await deployEngines(project.paths, effects);
}, START_MS);

afterAll(async () => {
  await Promise.all(engines.map((engine) => engine.close()));
  await remote?.connection.close();
  await rehearsal({ paths: project.paths, action: 'down' }, effects);
  await rm(folder, { recursive: true, force: true });
}, START_MS);

async function deployed(options: Partial<DeployOptions> = {}): Promise<DeployReport> {
  const { paths } = project;
  return (await deploy({ paths, target: 'rehearsal', maxRejected: 0.5, yes: true, ...options }, effects)).report;
}

const due = ({ models }: DeployReport): string[] =>
  models.filter(({ action }) => action !== 'keep').map(({ name }) => name);

/** Starts the bundle's job: the command of databricks.yml with the variables that Databricks fills in. */
function startJob(vars: Record<string, string> = {}, ...more: string[]): Promise<DbtRun> {
  jobRuns += 1;
  return startDbt(project.paths, effects, ['build', '--exclude-resource-type', 'unit_test', ...more], {
    meetup_job: '77',
    meetup_job_run: String(jobRuns),
    meetup_commit: commit,
    ...vars,
  });
}

async function job(vars: Record<string, string> = {}, ...more: string[]): Promise<string> {
  const { exitCode, output } = await (await startJob(vars, ...more)).ended;
  expect(exitCode, output).toBe(0);
  return output;
}

const runs = async () => runsIn(await readLedger(remote));

async function counted(relation: string): Promise<number> {
  const [row] = await remote.connection.rows(
    `select coalesce(sum(event_count), 0) as n from \`${remote.catalog}\`.${relation}`,
  );
  return Number(row?.n);
}

/** Loads the next drop here, and adds its rows to the target as somebody else than `deploy` would: as a run that the ledger has. */
async function dropLandsThere(): Promise<void> {
  await project.nextDay();
  const { paths } = project;
  await load({ paths, maxRejected: 0.5 }, effects);
  const rawTables = await readRawTables(paths.schemas);
  const local = await openPublished(paths);
  const batches = newBatches(await localBatches(local), await remoteBatches(remote), 'rehearsal');
  const uploads = await exportBatches(local, batches, join(folder, 'landing'), rawTables);
  await local.close();
  const identity = { deployment: 'landing', commit, planHash: '', versions: {} };
  await withDeployLock(remote, 'landing', async () => {
    await writeEntry(remote, identity, 'run begun', {});
    for (const upload of uploads) {
      await uploadFile(remote, upload);
      await remote.connection.run(appendStatement(remote, upload, rawTables));
    }
    await writeEntry(remote, identity, 'run finished', {});
  });
}

/** Waits until the gateway has received a statement since `from` that matches. */
async function received(pattern: RegExp, from: number): Promise<void> {
  while (!(await log()).slice(from).some((statement) => pattern.test(statement))) await delay(20);
}
const log = async (): Promise<string[]> =>
  (await readFile(rehearsalPlaces(project.paths).statementsLog, 'utf8'))
    .split('\n')
    .filter((line) => line !== '')
    .map((line): string => JSON.parse(line).statement);

/** The days that can be left out. A run plays a sample of them; MEETUP_ALL_CASES=1 plays them all. */
const OPTIONAL = ['a drop', 'a rollback', 'two jobs', 'another commit', 'a stranger'] as const;
const chosen: readonly (typeof OPTIONAL)[number][] = sampled(OPTIONAL, 2);
const isLeftOut = (day: (typeof OPTIONAL)[number]): boolean => !chosen.includes(day);

// Each day continues from the state that the previous one left.
describe.skipIf(!hasItsTurn('jobs'))(`ten days of a target that a job builds every morning (${howSampled})`, () => {
  it('day 1: the project is deployed', async () => {
    commit = await project.commit();
    expect(await deployed()).toMatchObject({ status: 'deployed' });
  });

  it('day 2: the job runs, is recorded, publishes what it built, and nothing is left to deploy', async () => {
    await job();
    expect(await runs()).toMatchObject([
      { job: '77', commit, outcome: 'finished', relations: expect.arrayContaining(['marts_build.event_log']) },
    ]);
    expect(await counted('marts.group_events')).toBe(await counted('marts_build.group_events'));
    expect(await deployed()).toMatchObject({ status: 'unchanged', drift: [] });
  });

  it.skipIf(isLeftOut('a drop'))('day 3: a deployment uploads a drop, and the job finds it built', async () => {
    await project.nextDay();
    const report = await deployed();
    expect(report).toMatchObject({ status: 'deployed', drift: [] });
    expect(due(report)).toEqual(['event_log', 'group_events', 'group_names']);
    await job();
  });

  it('day 4: code is deployed, and the plan lists only what it changes', async () => {
    await project.write(
      'dbt/models/marts/group_names.sql',
      "select group_id, upper(group_name) as group_name from {{ ref('stg_groups') }}\n",
    );
    commit = await project.commit();
    const report = await deployed();
    expect(report).toMatchObject({ status: 'deployed', drift: [] });
    expect(due(report)).toEqual(['group_names']);
  });

  it.skipIf(isLeftOut('a rollback'))(
    'day 5: the job runs the new code, and a rollback to before that run says what it undoes',
    async () => {
      await job();
      const last = (await runs()).at(-1)?.id ?? '';
      const to = currentDeployment(await readLedger(remote));
      const { report } = await rollback(
        { paths: project.paths, target: 'rehearsal', before: last, yes: true },
        effects,
      );
      expect(report).toMatchObject({ status: 'rolled back', to, failed: [], undoes: [last] });
      expect(await deployed()).toMatchObject({ status: 'unchanged', drift: [] });
    },
  );

  it('day 6: a drop lands on the target, and the job that builds it is killed: readers keep what they had', async () => {
    await dropLandsThere();
    const before = await counted('marts.group_events');
    const from = (await log()).length;
    const running = await startJob();
    await received(/create or replace table\s.*group_events/is, from);
    running.child.kill('SIGKILL');
    await running.ended;
    await delay(5000);
    expect(await counted('marts.group_events')).toBe(before);
    const planned = await deployed({ planOnly: true });
    expect(planned.drift).toEqual([]);
    expect(effects.warnings.at(-1)).toMatch(/^Run \S+ of job 77 .* has not ended/);
  });

  it('day 7: the next run of the job names the dead one, and publishes; no drift', async () => {
    const dead = (await runs()).at(-1);
    expect(await job()).toContain(`Run ${dead?.id} of job 77, begun at `);
    expect(await runs()).toContainEqual(expect.objectContaining({ id: dead?.id, outcome: 'died' }));
    expect(await deployed()).toMatchObject({ status: 'unchanged', drift: [] });
    const [[events] = []] = await publishedRows(project.paths, 'select count(*) from marts.event_log');
    expect(await counted('marts.group_events')).toBe(Number(events));
  });

  it.skipIf(isLeftOut('two jobs'))('day 8: of two jobs at once, one waits for the other', async () => {
    const first = await startJob();
    const from = (await log()).length;
    await received(/'run begun'/, from);
    // It stands still until the second one is there.
    first.child.kill('SIGSTOP');
    const second = await startJob({ meetup_job: '78' });
    while (!second.output().includes('Waiting: ') && second.child.exitCode === null) await delay(100);
    first.child.kill('SIGCONT');
    const [one, two] = await Promise.all([first.ended, second.ended]);
    expect([one.exitCode, two.exitCode], two.output).toEqual([0, 0]);
    expect(two.output).toMatch(/Waiting: Run \S+ of job 77 \(\d+\) is changing/);
    expect((await runs()).slice(-2).map(({ outcome }) => outcome)).toEqual(['finished', 'finished']);
  });

  it.skipIf(isLeftOut('another commit'))(
    'day 9: what a job built from another commit, or did not test, is built again, with that reason',
    async () => {
      await job({ meetup_commit: 'a'.repeat(40) }, '--select', 'group_names');
      await job({}, '--select', 'group_events', '--exclude-resource-type', 'test');
      const [view] = await remote.connection.rows(`show create table \`${remote.catalog}\`.marts.group_events`);
      expect(view?.createtab_stmt).toMatch(/version as of \d+/i);
      const report = await deployed();
      expect(report).toMatchObject({ status: 'deployed', drift: [] });
      expect(report.models.filter(({ action }) => action !== 'keep')).toMatchObject([
        { name: 'group_events', reason: 'the last run of dbt that built it did not pass all tests' },
        { name: 'group_names', reason: 'a run of dbt built it with commit aaaaaaaaaa, which is not the deployed one' },
      ]);
    },
  );

  it.skipIf(isLeftOut('a stranger'))("day 10: a stranger's write is still drift, also after another run", async () => {
    await remote.connection.run(`delete from \`${remote.catalog}\`.marts_build.event_log where group_id is not null`);
    await job({}, '--select', 'group_names');
    await expect(deployed()).rejects.toThrow(/drifted since the last deployment: marts_build.event_log .*DELETE/);
    expect(await deployed({ force: true })).toMatchObject({ status: 'deployed' });
    expect(await deployed()).toMatchObject({ status: 'unchanged', drift: [] });
    const [[events] = []] = await publishedRows(project.paths, 'select count(*) from marts.event_log');
    expect(await counted('marts.group_events')).toBe(Number(events));
  });
});
