import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { resolvePaths } from '../../src/config/paths.ts';
import { NOTHING_DEPLOYED } from '../../src/deploy/ledger.ts';
import { withoutSameCode } from '../../src/deploy/same-code.ts';
import { temporaryFolder } from '../support/effects.ts';
import { gitIn } from '../support/git.ts';

/** A repository whose dbt project is in a folder of its own. */
async function repository() {
  const root = await temporaryFolder();
  const git = gitIn(root);
  git('init', '--quiet');
  await mkdir(join(root, 'dbt'));
  await writeFile(join(root, 'meetup.yml'), 'dbt: {project: dbt, profiles: dbt}\n');
  await writeFile(join(root, 'dbt/profiles.yml'), 'shop: {}\n');
  await writeFile(join(root, 'dbt/dbt_project.yml'), 'name: shop\n');
  return {
    paths: resolvePaths({}, { MEETUP_PROJECT_DIR: root }, root),
    commit: async (file: string, text: string): Promise<string> => {
      await writeFile(join(root, file), text);
      git('add', '.');
      git('commit', '--quiet', '--message', 'change');
      return git('rev-parse', 'HEAD').trim();
    },
  };
}

it('leaves out commits that changed nothing in the dbt project, but not those before them that did', async () => {
  const { paths, commit } = await repository();
  const deployed = await commit('dbt/t.sql', 'select 1');
  const docs = await commit('README.md', 'text');
  const wrong = await commit('dbt/t.sql', 'select 2');
  const reverted = await commit('dbt/t.sql', 'select 1');
  const otherCode = { 'marts.a': [docs], 'marts.b': [wrong, reverted], 'marts.c': [null], 'marts.d': ['--output=x'] };
  expect(await withoutSameCode(paths, { ...NOTHING_DEPLOYED, commit: deployed, otherCode })).toEqual({
    ...NOTHING_DEPLOYED,
    commit: deployed,
    otherCode: { 'marts.b': [wrong], 'marts.c': [null], 'marts.d': ['--output=x'] },
  });
});

it('needs no git for the deployed commit itself, such as that of another project in the catalog', async () => {
  const { paths } = await repository();
  const deployed = { ...NOTHING_DEPLOYED, commit: 'c0ffee1', otherCode: { 'marts.a': ['c0ffee1'] } };
  expect((await withoutSameCode(paths, deployed)).otherCode).toBeUndefined();
});
