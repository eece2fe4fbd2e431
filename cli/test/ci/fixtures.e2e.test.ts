import { cp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { run } from '../../src/commands/ci.ts';
import { projectRoot, resolvePaths } from '../../src/config/paths.ts';
import { quietEffects, temporaryFolder } from '../support/effects.ts';
import { copyProject } from '../support/project-copy.ts';

it('meetup ci exits with 1 when a fixture fails, and names the fixture and the cell in its summary', {
  timeout: 300_000,
}, async () => {
  const folder = await temporaryFolder();
  const project = join(folder, 'project');
  await copyProject(project);
  for (const part of [
    'cli/src',
    'cli/model-tests',
    'cli/test/support',
    'package.json',
    'vitest.config.ts',
    'tsconfig.json',
  ]) {
    await cp(join(projectRoot, part), join(project, part), { recursive: true });
  }
  await symlink(join(projectRoot, 'node_modules'), join(project, 'node_modules'));
  await rm(join(project, 'fixtures/models'), { recursive: true });
  const kept = 'fixtures/models/topic_months';
  await cp(join(projectRoot, kept), join(project, kept), { recursive: true });
  const model = join(project, 'dbt/models/marts/sponsors/topic_months.sql');
  const sql = await readFile(model, 'utf8');
  const broken = sql.replace('count_if(groups.events_held > 0)', 'count_if(groups.events_held >= 0)');
  expect(broken).not.toBe(sql);
  await writeFile(model, broken);

  const toolchain = process.env.MEETUP_TOOLCHAIN_DIR ?? join(projectRoot, '.meetup/toolchain');
  const env = { PATH: process.env.PATH, MEETUP_PROJECT_DIR: project, MEETUP_TOOLCHAIN_DIR: toolchain };
  const paths = resolvePaths({ stateDir: join(folder, 'state') }, env, project);
  const { exitCode, report } = await run({ paths, only: 'fixtures' }, quietEffects({ env }));
  expect(exitCode).toBe(1);
  expect(report.parts).toMatchObject([{ name: 'fixtures', status: 'fail', failed: 1 }]);
  const summary = await readFile(join(folder, 'state/ci-summary.md'), 'utf8');
  expect(summary).toContain('a_group_counts_for_each_of_its_topics</summary>');
  expect(summary).toMatch(/1 row differs .*1 → 2/s);
  expect(summary).not.toContain(folder);
});
