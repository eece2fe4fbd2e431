import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type DeployReport, run as deploy } from '../../src/commands/deploy.ts';
import { run as writeDocs } from '../../src/commands/schema-docs.ts';
import { resolvePaths } from '../../src/config/paths.ts';
import type { EngineClient } from '../../src/engine/client.ts';
import { rehearsalConnection } from '../../src/rehearsal/connection.ts';
import { rehearsalPlaces } from '../../src/rehearsal/places.ts';
import { connectTarget, remoteTarget } from '../../src/targets/target.ts';
import type { DatabricksConnection } from '../../src/warehouse/databricks.ts';
import { quoteNames } from '../../src/warehouse/databricks-sql.ts';
import { installLanding, runPython } from '../landing/python.ts';
import { quietEffects } from '../support/effects.ts';
import { publishedRows } from '../support/rows.ts';
import { hasItsTurn } from '../support/sampled.ts';
import { shareRehearsal } from '../support/shared-rehearsal.ts';
import { deployEngines } from '../support/warm-engine.ts';
import { startDbt } from './dbt-run.ts';
import { type TinyProject, tinyProject } from './tiny-project.ts';

vi.setConfig({ testTimeout: 900_000 });

const effects = quietEffects({ env: process.env });
const isPlayed = hasItsTurn('landed files');
let folder: string;
let project: TinyProject;
let connection: DatabricksConnection;
let catalog: string;
/** The commit that is deployed. */
let commit: string;
let engines: readonly EngineClient[] = [];

beforeAll(async () => {
  if (!isPlayed) return;
  await installLanding();
  folder = await mkdtemp(join(tmpdir(), 'meetup-landed-'));
  const plain = await tinyProject(folder);
  await plain.write('meetup.yml', 'landed: {targets: [rehearsal], volume: arrived.drops, max_rejected: 100%}\n');
  project = { ...plain, paths: resolvePaths({}, plain.env, folder) };
  await writeDocs({ paths: project.paths, checks: false });
  await shareRehearsal(project.paths.state, effects);
  const target = await remoteTarget('rehearsal', project.paths, effects);
  ({ catalog } = target);
  connection = await connectTarget(target, effects);
  engines = await deployEngines(project.paths, effects);
}, 900_000);

afterAll(async () => {
  if (!isPlayed) return;
  await Promise.all(engines.map((engine) => engine.close()));
  await connection?.close();
  await rm(folder, { recursive: true, force: true });
});

const deployed = async (): Promise<DeployReport> =>
  (await deploy({ paths: project.paths, target: 'rehearsal', maxRejected: 1, yes: true }, effects)).report;

/** The job: the task that loads what has arrived, then dbt. */
async function job(): Promise<void> {
  const { driver } = await rehearsalConnection(project.paths, effects);
  const plan = join(project.paths.root, 'landing', 'landing.json');
  const { volumes } = rehearsalPlaces(project.paths);
  const env = { LANDING_CONNECTION: JSON.stringify(driver) };
  const output = await runPython('land_on_rehearsal.py', [plan, volumes, catalog, 'arrived.drops', '0'], { env });
  expect(output).toContain('Loaded');
  const build = ['build', '--exclude-resource-type', 'unit_test'];
  const { exitCode, output: log } = await (
    await startDbt(project.paths, effects, build, { meetup_job: '7', meetup_job_run: '2', meetup_commit: commit })
  ).ended;
  expect(exitCode, log).toBe(0);
}

const SUMS = 'select count(*) as groups, sum(event_count) as events from';

describe.skipIf(!isPlayed)('a target on which files land', () => {
  it('is deployed without uploads and without a comparison, and its tables are made for the task', async () => {
    commit = await project.commit();
    const report = await deployed();
    expect(report).toMatchObject({
      status: 'deployed',
      landed: `${catalog}.arrived.drops`,
      uploads: [],
      reads: [],
      parity: [],
    });
    expect(await connection.rows(`select count(*) as n from ${quoteNames(catalog, 'raw', 'events')}`)).toEqual([
      { n: 0 },
    ]);
  });

  it('has the marts that this machine has once the job has loaded the same files', async () => {
    await connection.run('create schema if not exists arrived');
    await connection.run('create volume arrived.drops');
    const volume = join(rehearsalPlaces(project.paths).volumes, catalog, 'arrived', 'drops');
    await cp(project.paths.data, volume, { recursive: true, filter: (path) => !path.endsWith('schemas') });
    await job();
    const [there] = await connection.rows(`${SUMS} ${quoteNames(catalog, 'marts', 'group_events')}`);
    const [here] = await publishedRows(project.paths, `${SUMS} marts.group_events`);
    expect(Object.values(there ?? {}).map(Number)).toEqual(Object.values(here ?? {}).map(Number));
  });

  it('has not drifted by what the task wrote, and a deployment has nothing to do', async () => {
    expect(await deployed()).toMatchObject({ status: 'unchanged', drift: [] });
  });
});
