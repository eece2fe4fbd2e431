import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { BuildPart } from '../../src/ci/report.ts';
import { run } from '../../src/commands/ci.ts';
import { tinyProject } from '../deploy/tiny-project.ts';
import { quietEffects, temporaryFolder } from '../support/effects.ts';

vi.setConfig({ testTimeout: 300_000 });

/** Four models: stg_groups → group_names, and event_log → group_events. */
describe('the build of meetup ci', () => {
  it('builds and tests changed models and those downstream, and of the others only the ones these read', async () => {
    const project = await tinyProject(await temporaryFolder());
    await project.commit();
    const { commit: base } = { commit: await project.commit() };
    const effects = quietEffects({ env: { PATH: process.env.PATH } });
    const check = async (only = 'build') => {
      const { exitCode, report } = await run({ paths: project.paths, base, only }, effects);
      const part = report.parts.find((one): one is BuildPart => one.name === 'build');
      if (part === undefined) throw new Error('the report has no build');
      return { exitCode, part, summary: await readFile(join(project.paths.state, 'ci-summary.md'), 'utf8') };
    };

    expect(await check()).toMatchObject({ exitCode: 0, part: { changed: [], models: [], tests: [] } });

    await project.write(
      'dbt/models/marts/group_names.sql',
      "select group_id, upper(group_name) as group_name from {{ ref('stg_groups') }}\n",
    );
    const slim = await check();
    expect(slim.part).toMatchObject({
      status: 'pass',
      changed: [{ name: 'group_names', why: 'body' }],
      alsoBuilt: ['stg_groups'],
      leftAlone: ['event_log', 'group_events'],
    });
    expect(slim.part.models.map(({ name }) => name)).toEqual(['stg_groups', 'group_names']);
    expect(slim.part.tests.map(({ name }) => name).sort()).toEqual([
      'not_null_group_names_group_id',
      'unique_group_names_group_id',
    ]);

    await project.write(
      'dbt/models/marts/group_names.sql',
      "select 1::bigint as group_id, group_name from {{ ref('stg_groups') }}\n",
    );
    // The first part can't run here because the project has no vitest. The build runs anyway.
    await project.write('fixtures/models/group_names.yml', 'unit_tests: []\n');
    const bad = await check('fixtures,build');
    expect(bad.exitCode).toBe(1);
    expect(bad.part.tests.find(({ status }) => status === 'fail')?.name).toBe('unique_group_names_group_id');
    expect(bad.summary).toContain('### Failures in fixtures');
    expect(bad.summary).toContain('<summary>unique_group_names_group_id</summary>');
    expect(bad.summary).not.toContain(project.paths.root);
  });

  it('notices a single changed value in a seed of two megabytes', async () => {
    const lines = Array.from({ length: 60_000 }, (_, i) => `${i},a label that takes up some space ${i}`).join('\n');
    const seed = (value: string): string => `id,label\n${lines}\n60000,${value}\n`;
    const project = await tinyProject(await temporaryFolder());
    await project.write('dbt/seeds/big.csv', seed('before'));
    const base = await project.commit();
    await project.write('dbt/seeds/big.csv', seed('after!'));
    const effects = quietEffects({ env: { PATH: process.env.PATH } });
    const { report } = await run({ paths: project.paths, base, only: 'build' }, effects);
    const part = report.parts.find((one): one is BuildPart => one.name === 'build');
    expect(part).toMatchObject({ status: 'pass', changed: [{ name: 'big' }] });
  });
});
