import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectRoot, resolvePaths } from '../../src/config/paths.ts';
import { temporaryFolder } from '../support/effects.ts';
import { placesOf } from './modules.ts';

describe('the launcher', () => {
  it.each([
    [{}, {}],
    [{ stateDir: 'here' }, { MEETUP_STATE_DIR: '/elsewhere' }],
    [{ stateDir: '/abs/state' }, {}],
    [{}, { MEETUP_STATE_DIR: 'relative/state' }],
    [{}, { MEETUP_TOOLCHAIN_DIR: '../tools', MEETUP_STATE_DIR: '/s' }],
    [{ stateDir: 'here' }, { MEETUP_TOOLCHAIN_DIR: '/tools' }],
  ])('uses the same folders as the CLI for %j and %j', (options, env) => {
    const cwd = join('/', 'some', 'folder');
    const paths = resolvePaths(options, env, cwd);
    expect(placesOf(options, env, cwd)).toMatchObject({
      root: paths.root,
      state: paths.state,
      toolchain: paths.toolchain,
      logs: paths.logs,
    });
  });

  it('ignores an environment variable that is empty', () => {
    expect(placesOf({}, { MEETUP_STATE_DIR: '', MEETUP_TOOLCHAIN_DIR: '' }, '/x')).toMatchObject({
      state: join(projectRoot, '.meetup'),
      toolchain: join(projectRoot, '.meetup', 'toolchain'),
    });
  });

  it.each([
    ['a folder inside a dbt project', ['dbt_project.yml', 'models/x.sql'], 'models', '.'],
    ['a folder inside a project with meetup.yml', ['meetup.yml', 'etl/dbt_project.yml'], 'etl', '.'],
    ['an installed dbt package', ['meetup.yml', 'dbt_packages/p/dbt_project.yml'], 'dbt_packages/p', '.'],
    ['a dbt project inside another one', ['dbt_project.yml', 'b/dbt_project.yml'], 'b', 'b'],
  ])('uses the same state folder as the CLI in %s', async (_what, files, inside, root) => {
    const folder = await temporaryFolder();
    for (const file of files) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), '');
    }
    const cwd = join(folder, inside);
    const { state } = resolvePaths({}, {}, cwd);
    expect(state).toBe(join(folder, root, '.meetup'));
    expect(placesOf({}, {}, cwd).state).toBe(state);
    expect(placesOf({}, { MEETUP_PROJECT_DIR: cwd }, '/').state).toBe(join(cwd, '.meetup'));
  });

  it('of an installed package uses the current folder outside of any project', async () => {
    const folder = await temporaryFolder();
    expect(placesOf({}, {}, folder, join(folder, 'node_modules/meetup')).state).toBe(join(folder, '.meetup'));
  });
});
