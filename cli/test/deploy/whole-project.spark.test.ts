import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type DeployReport, run as deploy } from '../../src/commands/deploy.ts';
import { run as diff } from '../../src/commands/diff.ts';
import { run as generate } from '../../src/commands/generate.ts';
import { publicMarts } from '../../src/compare/marts.ts';
import { type Paths, projectRoot, resolvePaths } from '../../src/config/paths.ts';
import type { EngineClient } from '../../src/engine/client.ts';
import { quietEffects } from '../support/effects.ts';
import { keepSomeDataTests } from '../support/fewer-data-tests.ts';
import { copyProject } from '../support/project-copy.ts';
import { hasItsTurn, howSampled } from '../support/sampled.ts';
import { shareRehearsal } from '../support/shared-rehearsal.ts';
import { deployEngines } from '../support/warm-engine.ts';

/**
 * Deploys the project itself, with every model and snapshot, with dbt-databricks on Spark and Delta. Every mart is compared with
 * DuckDB's; of the data tests, which all pass there, a sample runs on Spark too.
 */

// A statement takes a second on an idle machine. There are about 450 per deployment; with all data tests, 750.
vi.setConfig({ testTimeout: 1_800_000 });

/** How many of the 300 data tests run. */
const DATA_TESTS = 24;

const effects = quietEffects({ env: process.env });
let folder: string;
let paths: Paths;
let engines: readonly EngineClient[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-whole-project-'));
  const toolchain = process.env.MEETUP_TOOLCHAIN_DIR ?? join(projectRoot, '.meetup/toolchain');
  const project = join(folder, 'project');
  await copyProject(project);
  paths = resolvePaths(
    { stateDir: join(folder, 'state'), data: join(folder, 'data') },
    { MEETUP_TOOLCHAIN_DIR: toolchain, MEETUP_PROJECT_DIR: project },
    folder,
  );
  await keepSomeDataTests(paths.dbtProject, DATA_TESTS);
  await generate({ out: join(folder, 'drops'), scale: 0.005, seed: 3, days: 6 }, effects);
  await addDrops((name) => name.endsWith('.json'));
  await shareRehearsal(paths.state, effects);
  engines = await deployEngines(paths, effects);
}, 600_000);

afterAll(async () => {
  await Promise.all(engines.map((engine) => engine.close()));
  await rm(folder, { recursive: true, force: true });
}, 60_000);

/** Copies drops into the data folder. */
async function addDrops(which: (name: string) => boolean): Promise<void> {
  for (const name of (await readdir(join(folder, 'drops'))).filter(which)) {
    await cp(join(folder, 'drops', name), join(paths.data, name), { recursive: true });
  }
}

const deployed = async () =>
  (await deploy({ paths, target: 'rehearsal', maxRejected: 0.5, yes: true }, effects)).report;

/** The public marts that a deployment did not build, and so did not compare. */
async function notCompared({ parity = [] }: DeployReport): Promise<string[]> {
  const marts = await publicMarts(join(paths.state, 'deploy', 'manifest.json'), paths);
  return marts.map(({ name }) => name).filter((name) => parity.every((compared) => compared.name !== name));
}

const isPlayed = hasItsTurn('the whole project') || hasItsTurn('daily drops');

// Each test continues from the state that the previous one left.
describe.skipIf(!isPlayed)(`the whole project (data tests: ${howSampled})`, () => {
  it('is deployed from scratch to Spark, with all marts equal to the local ones', async () => {
    const report = await deployed();
    expect(report.problems).toEqual([]);
    expect(report.status).toBe('deployed');
    expect(report.models.filter(({ action }) => action !== 'create')).toEqual([]);
    expect(report.models.map(({ relation }) => relation)).toContain('marts_build.dim_group_versions');
    expect(report.parity?.filter(({ status }) => status !== 'equal')).toEqual([]);
    expect(report.parity?.length).toBeGreaterThan(20);
    expect(await notCompared(report)).toEqual([]);
  });

  it.skipIf(!hasItsTurn('daily drops'))(
    'is updated with daily drops, with incremental models, and all public marts stay equal',
    async () => {
      await addDrops((name) => /^\d{4}-/.test(name));
      const report = await deployed();
      expect(report.status).toBe('deployed');
      expect(report.models.filter(({ action }) => action === 'increment').map(({ name }) => name)).toEqual(
        expect.arrayContaining(['fct_rsvps', 'fct_memberships', 'dim_group_versions']),
      );
      expect(report.parity?.filter(({ status }) => status !== 'equal')).toEqual([]);
      const rest = await notCompared(report);
      const [one = ''] = report.parity?.map(({ name }) => name) ?? [];
      const compared = await diff(
        { paths, from: 'dev', to: 'rehearsal', select: [one, ...rest].join(), samples: 1 },
        effects,
      );
      expect(compared.report.marts.filter(({ status }) => status !== 'equal')).toEqual([]);
      expect(compared.report.marts).toHaveLength(1 + rest.length);
      expect(compared.report.status).toBe('equal');
    },
  );
});
