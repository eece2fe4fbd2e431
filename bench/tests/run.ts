import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { z } from 'zod';
import { silentEffects } from '../../cli/src/config/effects.ts';
import { type Paths, projectRoot, resolvePaths } from '../../cli/src/config/paths.ts';
import { EngineClient } from '../../cli/src/engine/client.ts';
import { createRawTables, readRawTables } from '../../cli/src/ingest/raw-tables.ts';
import { UnitTestRunner } from '../../cli/src/unit-tests/unit-test-runner.ts';
import { openWork } from '../../cli/src/warehouse/duckdb.ts';
import { median, percentile } from '../support/figures.ts';

/**
 * Measures all fixtures of the project: a cold `dbt test --select test_type:unit`, with tables built and manifest saved beforehand,
 * and the command `./meetup test` without a state folder, with the state of an earlier run, and with the warm engine of a
 * `dev --watch`. They alternate in one run, so that other load on the machine affects all of them. The results are the ratios.
 */
const { values } = parseArgs({ options: { runs: { type: 'string', default: '3' } } });
const runs = Number(values.runs);
const folder = await mkdtemp(join(tmpdir(), 'meetup-bench-tests-'));
const toolchain = process.env.MEETUP_TOOLCHAIN_DIR || join(projectRoot, '.meetup/toolchain');
const pathsOf = (state: string): Paths =>
  resolvePaths({ stateDir: join(folder, state) }, { MEETUP_TOOLCHAIN_DIR: toolchain }, folder);
const effects = silentEffects({ env: process.env });

/** dbt reads the columns of a model's inputs from the database, so it needs every model built. */
async function buildForDbt(paths: Paths): Promise<void> {
  const work = await openWork(paths);
  await createRawTables(work, await readRawTables(paths.schemas));
  await work.close();
  const engine = new EngineClient(paths, effects);
  const built = await engine.build({ target: 'dev', resourceTypes: ['model'] });
  await engine.close();
  if (built.status !== 'pass') throw new Error('The models cannot be built on empty tables.');
}

async function timeDbt(paths: Paths): Promise<number> {
  const started = performance.now();
  await execa(
    paths.python,
    ['-c', 'from dbt.cli.main import cli; cli()', 'test', '--select', 'test_type:unit', '--target', 'dev'],
    {
      cwd: paths.dbtProject,
      env: {
        DBT_PROFILES_DIR: paths.profiles,
        DBT_TARGET_PATH: paths.dbtTarget,
        DBT_LOG_PATH: paths.logs,
        MEETUP_DUCKDB_PATH: paths.workDatabase,
        DO_NOT_TRACK: '1',
      },
    },
  );
  return performance.now() - started;
}

const reportSchema = z.object({ status: z.literal('pass'), tests: z.array(z.unknown()) });

/** `./meetup test` without scenarios, for which dbt has no equivalent. */
async function timeMeetup(paths: Paths): Promise<{ ms: number; tests: number }> {
  const started = performance.now();
  const { stdout } = await execa(
    join(projectRoot, 'meetup'),
    ['test', '--only', 'fixtures', '--json', '--state-dir', paths.state],
    { env: { MEETUP_TOOLCHAIN_DIR: toolchain }, stdin: 'ignore', stderr: 'ignore' },
  );
  const ms = performance.now() - started;
  return { ms, tests: reportSchema.parse(JSON.parse(stdout)).tests.length };
}

/** Milliseconds for each fixture, one request after the other, in an engine that has run them before. */
async function timeEach(session: UnitTestRunner): Promise<number[]> {
  const figures: number[] = [];
  for (const fixture of await session.list()) {
    const started = performance.now();
    await session.run(fixture);
    figures.push(performance.now() - started);
  }
  return figures;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
const row = (what: string, figures: readonly number[], note = ''): void =>
  console.log(`${what.padEnd(44)} median ${seconds(median(figures)).padStart(8)}  ${note}`);

const shared = pathsOf('warm');
const engine = new EngineClient(shared, effects, { shared: true });
try {
  // The first start compiles the CLI.
  await execa(join(projectRoot, 'meetup'), ['--version'], { env: { MEETUP_TOOLCHAIN_DIR: toolchain } });
  await buildForDbt(pathsOf('dbt'));
  await timeDbt(pathsOf('dbt'));
  const session = new UnitTestRunner(shared, effects);
  await engine.warmUp();
  await session.list();
  await session.runAll();
  const [dbt, cold, kept, warm, inEngine, each]: number[][] = [[], [], [], [], [], []];
  let tests = 0;
  for (let round = 0; round < runs; round += 1) {
    dbt?.push(await timeDbt(pathsOf('dbt')));
    cold?.push((await timeMeetup(pathsOf(`cold-${round}`))).ms);
    kept?.push((await timeMeetup(pathsOf(`cold-${round}`))).ms);
    const timed = await timeMeetup(shared);
    warm?.push(timed.ms);
    tests = timed.tests;
    const started = performance.now();
    await session.list();
    await session.runAll();
    inEngine?.push(performance.now() - started);
    each?.push(...(await timeEach(session)));
  }
  const ratio = (figures: readonly number[] = []): string =>
    `${(median(dbt ?? []) / median(figures)).toFixed(1)} times`;
  console.log(`${tests} fixtures, ${runs} rounds`);
  row('cold dbt test --select test_type:unit', dbt ?? []);
  row('meetup test, cold (no state at all)', cold ?? [], `${ratio(cold)} as fast  (goal: no slower)`);
  row('meetup test, with the state of an earlier run', kept ?? [], `${ratio(kept)} as fast`);
  row('meetup test, with a warm engine', warm ?? [], `${ratio(warm)} as fast  (goal: at least 10)`);
  row('all fixtures in the warm engine itself', inEngine ?? [], `${ratio(inEngine)} as fast`);
  console.log(
    `one fixture, warm                            median ${median(each ?? []).toFixed(1)} ms, 95 % within ${percentile(each ?? [], 0.95).toFixed(1)} ms  (goal: at most 20)`,
  );
  await session.close();
} finally {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
}
