import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type BuildOptions, type BuildReport, run } from '../../src/commands/build.ts';
import { InterruptedError } from '../../src/config/errors.ts';
import { projectRoot } from '../../src/config/paths.ts';
import type { CommandResult } from '../../src/config/result.ts';
import type { EngineClient } from '../../src/engine/client.ts';
import { numbersSql, type TinyProject, tinyProject } from '../engine/project.ts';
import { quietEffects, type RecordedEffects, temporaryFolder } from '../support/effects.ts';
import { publishedRows } from '../support/rows.ts';
import { warmEngine } from '../support/warm-engine.ts';

// Importing dbt takes three seconds on an idle machine, and many more when all cores are busy.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

let folder: string;
let project: TinyProject;
let sharedEngine: EngineClient;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-build-'));
  project = await tinyProject(folder);
  // Stands in for a running `dev --watch`, whose engine the builds below share.
  sharedEngine = await warmEngine(project.paths, quietEffects({ env: { PATH: process.env.PATH } }));
});

afterAll(async () => {
  await sharedEngine.close();
  await rm(folder, { recursive: true, force: true });
});

function build(
  options: Partial<BuildOptions> = {},
  effects: RecordedEffects = quietEffects(),
): Promise<CommandResult<BuildReport>> {
  return run({ paths: project.paths, target: 'dev', ...options }, effects);
}

const published = (sql: string) => publishedRows(project.paths, sql);

describe('meetup build', () => {
  it('builds and tests everything, and publishes it', async () => {
    const { exitCode, report } = await build();
    expect(exitCode).toBe(0);
    expect(report).toMatchObject({ status: 'pass', published: true, problems: [] });
    expect(report.models.map((model) => [model.name, model.status])).toEqual([
      ['numbers', 'pass'],
      ['doubled', 'pass'],
      ['total', 'pass'],
    ]);
    expect(report.tests.map((test) => test.kind).sort()).toEqual(['test', 'test', 'test', 'unit_test']);
    expect(await published('select total from total')).toEqual([[200]]);
  });

  it('keeps the published database when a model fails, and names the model', async () => {
    await build();
    await project.write('models/numbers.sql', numbersSql.replace('10', '20'));
    await project.write('models/total.sql', "select sum(nothing) as total from {{ ref('doubled') }}\n");
    const { exitCode, report } = await build();
    await project.write('models/numbers.sql', numbersSql);
    await project.write('models/total.sql', "select sum(amount) as total from {{ ref('doubled') }}\n");
    expect(exitCode).toBe(1);
    expect(report).toMatchObject({ status: 'fail', published: false });
    const failed = report.models.find((model) => model.status === 'fail');
    expect(failed).toMatchObject({ name: 'total', problem: { file: 'models/total.sql', line: 1 } });
    expect(failed?.message).toMatch(/^Binder Error/);
    expect(await published('select total from total')).toEqual([[200]]);
    expect((await build()).exitCode).toBe(0);
  });

  it('publishes when the only failure is a test that nothing depends on', async () => {
    await project.write('tests/no_total.sql', "select * from {{ ref('total') }}");
    const { exitCode, report } = await build();
    await project.remove('tests/no_total.sql');
    expect(exitCode).toBe(1);
    expect(report.published).toBe(true);
    expect(report.tests.find((test) => test.status === 'fail')).toMatchObject({
      name: 'no_total',
      failures: 1,
      sample: { columns: ['total'], rows: [[200]] },
    });
  });

  it('reports the file and line of what dbt cannot read, and exits with 2', async () => {
    await project.write('models/numbers.sql', 'select {{ oh dear }}');
    const { exitCode, report } = await build();
    await project.write('models/numbers.sql', numbersSql);
    expect(exitCode).toBe(2);
    expect(report).toMatchObject({ status: 'fail', models: [], tests: [], published: false });
    expect(report.problems).toMatchObject([{ file: 'models/numbers.sql', line: 1 }]);
  });

  it('accepts several selectors in one option', async () => {
    const { report } = await build({ select: 'numbers doubled', exclude: 'test_type:data' });
    expect(report.models.map((model) => model.name)).toEqual(['numbers', 'doubled']);
    expect(report.tests.map((test) => test.name)).toEqual(['doubles']);
  });

  it('rejects a selection that matches nothing', async () => {
    await expect(build({ select: 'nubmers' })).rejects.toThrow(
      "Nothing in the dbt project matches --select 'nubmers': check the names",
    );
  });

  it('rejects a profile that lacks the target', async () => {
    const place = join(project.paths.profiles, 'profiles.yml');
    const profile = await readFile(place, 'utf8');
    await writeFile(place, 'tiny: {target: moon, outputs: {moon: {type: duckdb, path: ":memory:"}}}\n');
    try {
      await expect(build()).rejects.toThrow(
        /profiles\.yml has no target 'dev': add it, or let `.\/meetup init` write profiles that have it\.$/,
      );
    } finally {
      await writeFile(place, profile);
    }
  });

  it('asks for a load when no data has been loaded', async () => {
    const empty = await tinyProject(await temporaryFolder(), { raw: false });
    await cp(join(projectRoot, 'data/schemas'), empty.paths.schemas, { recursive: true });
    const building = run({ paths: empty.paths, target: 'dev' }, quietEffects({ env: { PATH: process.env.PATH } }));
    await expect(building).rejects.toThrow(/There is no data to build from .*: run `.\/meetup load` first/);
    expect(existsSync(empty.paths.database)).toBe(false);
  });

  it('stops when interrupted', async () => {
    const endless = 'select sum(a.range * b.range) as id, 1 as amount from range(10000000) a, range(10000000) b';
    await project.write('models/numbers.sql', endless);
    const controller = new AbortController();
    const effects = quietEffects({ signal: controller.signal });
    setTimeout(() => controller.abort(), 1500);
    await expect(build({}, effects)).rejects.toThrow(InterruptedError);
    await project.write('models/numbers.sql', numbersSql);
    expect(await published('select total from total')).toEqual([[200]]);
  });
});
