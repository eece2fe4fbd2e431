import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { differsFrom, resolveBase } from '../../src/ci/base.ts';
import { readParts } from '../../src/ci/parts.ts';
import { publicText } from '../../src/ci/public-text.ts';
import { temporaryFolder } from '../support/effects.ts';

async function repository(branch: string): Promise<{ folder: string; git: (...args: string[]) => Promise<string> }> {
  const folder = await temporaryFolder();
  const identity = ['-c', 'user.name=test', '-c', 'user.email=test@example.org'];
  const git = async (...args: string[]) => (await execa('git', [...identity, ...args], { cwd: folder })).stdout.trim();
  await git('init', '-q', '-b', branch);
  await git('commit', '-q', '--allow-empty', '-m', 'first');
  return { folder, git };
}

describe('ci --only', () => {
  it('defaults to all parts, with a branch only if there is a target, and runs the named ones in a fixed order', () => {
    expect(readParts(undefined)).toEqual([
      'fixtures',
      'scenarios',
      'lint',
      'checks',
      'contracts',
      'build',
      'freshness',
    ]);
    expect(readParts(undefined, true)).toContain('branch');
    expect(readParts('build, fixtures')).toEqual(['fixtures', 'build']);
  });

  it.each(['nope', '', 'lint,nope'])('rejects unknown names: %j', (only) => {
    expect(() => readParts(only)).toThrow(
      `--only takes fixtures, scenarios, lint, checks, contracts, build, branch, freshness, separated by commas, not '${only}'.`,
    );
  });
});

describe('the base commit of ci', () => {
  it('is the merge base with main, not the newest commit of main', async () => {
    const { folder, git } = await repository('main');
    const first = await git('rev-parse', 'HEAD');
    await git('checkout', '-q', '-b', 'mine');
    await git('checkout', '-q', 'main');
    await git('commit', '-q', '--allow-empty', '-m', 'theirs');
    await git('checkout', '-q', 'mine');
    expect(await resolveBase(folder, undefined)).toEqual({ kind: 'commit', ref: 'main', commit: first });
  });

  it("is absent with '--base none', without a main branch and outside a repository", async () => {
    const { folder } = await repository('trunk');
    expect(await resolveBase(folder, 'none')).toMatchObject({ kind: 'none' });
    expect(await resolveBase(folder, undefined)).toMatchObject({
      kind: 'none',
      reason: 'there is no origin/main or main in this repository',
    });
    expect(await resolveBase(await temporaryFolder(), undefined)).toMatchObject({ kind: 'none' });
  });

  it.each(['nosuch', '--help'])('is rejected if git does not know it: %s', async (ref) => {
    const { folder } = await repository('main');
    await expect(resolveBase(folder, ref)).rejects.toThrow(`There is no commit '${ref}' in this repository`);
  });

  it('differs from a working tree with changed files, tracked or untracked', async () => {
    const { folder, git } = await repository('main');
    const commit = await git('rev-parse', 'HEAD');
    expect(await differsFrom(folder, commit, ['.'])).toBe(false);
    await writeFile(join(folder, 'model.sql'), 'select 1');
    expect(await differsFrom(folder, commit, ['.'])).toBe(true);
  });
});

describe('text that ci publishes', () => {
  it('contains no absolute paths, no secrets from the environment and no colours', () => {
    const paths = { root: '/home/me/project', state: '/home/me/project/.meetup', toolchain: '/opt/tools' };
    const text =
      '\u001b[31m/home/me/project/dbt/a.sql\u001b[39m in /home/me/project/.meetup/x said dapi-0123456789 at /opt/tools/dev';
    expect(publicText(text, paths, { DATABRICKS_TOKEN: 'dapi-0123456789', EDITOR: 'said' })).toBe(
      'dbt/a.sql in (state)/x said *** at (toolchain)/dev',
    );
  });
});
