import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { run as build } from '../../src/commands/build.ts';
import { type DevReport, run } from '../../src/commands/dev.ts';
import { run as generate } from '../../src/commands/generate.ts';
import { projectRoot } from '../../src/config/paths.ts';
import type { CommandResult } from '../../src/config/result.ts';
import { EngineClient } from '../../src/engine/client.ts';
import { type TinyProject, tinyProject } from '../engine/project.ts';
import { quietEffects } from '../support/effects.ts';
import { publishedRows } from '../support/rows.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const numbersSql = 'select range as id, range * 10 as amount from range(5)\n';

let folder: string;
let project: TinyProject;
let sharedEngine: EngineClient;
const env: Record<string, string | undefined> = { PATH: process.env.PATH };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-unchanged-'));
  project = await tinyProject(folder, { raw: false });
  await project.write('models/numbers.sql', numbersSql);
  await generate({ out: project.paths.data, scale: 0.001, seed: 1, days: 0 }, quietEffects());
  await cp(join(projectRoot, 'data', 'schemas'), project.paths.schemas, { recursive: true });
  // Stands in for a running `dev --watch`, which has its own environment.
  sharedEngine = new EngineClient(project.paths, quietEffects({ env: { PATH: process.env.PATH } }), { shared: true });
  await sharedEngine.warmUp();
});

afterAll(async () => {
  await sharedEngine?.close();
  await rm(folder, { recursive: true, force: true });
});

const dev = (): Promise<CommandResult<DevReport>> =>
  run(
    { paths: project.paths, maxRejected: 1, fullRefresh: false, generates: false, summarizes: false },
    quietEffects({ env }),
  );

const settle = () => new Promise((resolve) => setTimeout(resolve, 150));

const published = (sql: string) => publishedRows(project.paths, sql);

describe('dev when no file changed', () => {
  it('builds again only if an environment variable that was read has a different value', async () => {
    await project.write('models/labelled.sql', "select '{{ env_var('HB_LABEL', 'none') }}' as label\n");
    await settle();
    expect((await dev()).report.status).toBe('pass');
    expect((await dev()).report.status).toBe('unchanged');
    env.HB_LABEL = 'new';
    expect((await dev()).report).toMatchObject({ status: 'pass', build: { models: [{ name: 'labelled' }] } });
    expect(await published('select label from main.labelled')).toEqual([['new']]);
    expect((await dev()).report.status).toBe('unchanged');
  });

  it("rejects dbt's flags in the environment, even though there is nothing to build", async () => {
    env.DBT_EMPTY = '1';
    try {
      await expect(dev()).rejects.toThrow('DBT_EMPTY is set in the environment');
      await expect(build({ paths: project.paths, target: 'dev' }, quietEffects({ env }))).rejects.toThrow('DBT_EMPTY');
    } finally {
      delete env.DBT_EMPTY;
    }
    // The record of the last build is removed before the next build begins.
    expect((await dev()).report).toMatchObject({ status: 'pass', build: { models: [] } });
  });

  it('builds a model again if another command has built it from other SQL in the meantime', async () => {
    await project.write('models/numbers.sql', 'select range as id, 1 as amount from range(5)\n');
    await build({ paths: project.paths, target: 'dev', select: 'numbers' }, quietEffects({ env }));
    await project.write('models/numbers.sql', numbersSql);
    expect((await dev()).report).toMatchObject({ status: 'pass', build: { models: [{ name: 'numbers' }] } });
    expect(await published('select sum(amount)::int from main.numbers')).toEqual([[100]]);
  });

  it('reports a failing test again, with its file, line and rows', async () => {
    const yaml =
      'models:\n  - name: total\n    columns:\n      - name: total\n        data_tests:\n          - accepted_values: {arguments: {values: [1]}}\n';
    await project.write('models/total.yml', yaml);
    expect((await dev()).exitCode).toBe(1);
    const { exitCode, report } = await dev();
    expect(exitCode).toBe(1);
    expect(report).toMatchObject({
      status: 'fail',
      build: { models: [], tests: [{ status: 'fail', file: 'models/total.yml', line: 6, failures: 1, sample: {} }] },
    });
  });
});
