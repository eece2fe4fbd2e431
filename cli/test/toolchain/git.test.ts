import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { resolveBase } from '../../src/ci/base.ts';
import { run as doctor } from '../../src/commands/doctor.ts';
import { readGit, requireReviewable } from '../../src/deploy/git.ts';
import { quietEffects, temporaryFolder, temporaryPaths } from '../support/effects.ts';

async function repository(): Promise<string> {
  const folder = await temporaryFolder();
  const git = (...args: string[]) =>
    execa('git', ['-c', 'user.name=x', '-c', 'user.email=x@example.com', ...args], { cwd: folder });
  await git('init', '--initial-branch=main');
  await git('commit', '--allow-empty', '-m', 'first');
  return folder;
}

afterEach(() => vi.unstubAllEnvs());

/** Makes git treat every repository as another user's, with a variable that git uses in its own tests. */
const ofAnotherUser = () => vi.stubEnv('GIT_TEST_ASSUME_DIFFERENT_OWNER', '1');
const reason =
  /git refuses to work here \(detected dubious ownership in repository at '.*'\): run `git config --global --add safe\.directory .*`, or give/;

describe('a repository that belongs to another user', () => {
  it("is rejected by ci with git's own reason, for any base", async () => {
    const folder = await repository();
    ofAnotherUser();
    for (const ref of ['main', undefined, 'nosuch']) await expect(resolveBase(folder, ref)).rejects.toThrow(reason);
    expect(await resolveBase(folder, 'none')).toMatchObject({ kind: 'none' });
  });

  it('is rejected by deploy with the same reason', async () => {
    const folder = await repository();
    ofAnotherUser();
    const git = await readGit(folder);
    expect(git).toMatchObject({ commit: null, dirty: true });
    expect(() => requireReviewable(git, [])).toThrow(reason);
  });

  it('is reported by doctor', async () => {
    const paths = { ...(await temporaryPaths()), root: await repository() };
    const env = { PATH: process.env.PATH ?? '' };
    const check = async (more: Record<string, string>) => {
      const { report } = await doctor({ paths, target: 'dev' }, quietEffects({ env: { ...env, ...more } }));
      return report.checks.find(({ name }) => name === 'git');
    };
    expect(await check({})).toMatchObject({ status: 'ok' });
    expect(await check({ GIT_TEST_ASSUME_DIFFERENT_OWNER: '1', LANG: 'de_DE.UTF-8' })).toMatchObject({
      status: 'fail',
      detail: expect.stringContaining('refuses to work here: detected dubious ownership'),
      fix: expect.stringContaining('safe.directory'),
    });
  });
});

describe('a folder without a repository', () => {
  it('has no base commit, and requesting one is an error', async () => {
    const folder = join(await temporaryFolder());
    expect(await resolveBase(folder, undefined)).toEqual({ kind: 'none', reason: 'this is not a git repository' });
    await expect(resolveBase(folder, 'main')).rejects.toThrow(
      "--base 'main' can't be read because this is not a git repository: use --base none to build everything.",
    );
  });

  it('has no base commit for ci either if git is not installed', async () => {
    const folder = await repository();
    vi.stubEnv('PATH', await temporaryFolder());
    expect(await resolveBase(folder, undefined)).toEqual({ kind: 'none', reason: "git can't be started" });
  });
});
