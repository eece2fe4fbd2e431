import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repository } from './modules.ts';

/** A clone of this repository's working tree, without anything installed. Each test continues where the previous one ended. */
describe('a fresh clone', { timeout: 300_000 }, () => {
  let clone: string;
  beforeAll(async () => {
    clone = await mkdtemp(join(tmpdir(), 'meetup-clone-'));
    const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: repository,
      encoding: 'utf8',
    });
    for (const file of listed.split('\0').filter((name) => name !== '' && existsSync(join(repository, name)))) {
      await cp(join(repository, file), join(clone, file));
    }
  }, 60_000);
  afterAll(() => rm(clone, { recursive: true, force: true, maxRetries: 5 }));

  const meetup = (...argv: string[]) => {
    const {
      MEETUP_PROJECT_DIR: _project,
      MEETUP_STATE_DIR: _state,
      MEETUP_TOOLCHAIN_DIR: _toolchain,
      ...env
    } = process.env;
    return spawnSync(join(clone, 'meetup'), argv, { cwd: clone, encoding: 'utf8', env });
  };

  it('installs the Node packages and compiles the CLI before it answers --version', async () => {
    const { version }: { version: string } = JSON.parse(await readFile(join(clone, 'package.json'), 'utf8'));
    const { status, stdout, stderr } = meetup('--version');
    expect({ status, stdout }).toEqual({ status: 0, stdout: `${version}\n` });
    expect(stderr).toContain('Installing the Node packages: done');
    expect(stderr).toContain('Compiling the command line: done');
  });

  it('answers --help without installing anything else', () => {
    const { status, stdout, stderr } = meetup('--help');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    for (const command of ['dev', 'query', 'doctor', 'clean']) expect(stdout).toContain(`\n  ${command} `);
  });

  it('has no dbt yet, which doctor reports as a warning', () => {
    const { status, stdout } = meetup('doctor', '--json');
    expect({ status, check: dbtIn(stdout) }).toMatchObject({ status: 0, check: { status: 'warn' } });
  });

  it('installs the pinned dbt for the first command that needs it', () => {
    expect(meetup('build').stderr).toContain('Installing dbt: done');
    expect(dbtIn(meetup('doctor', '--json').stdout)).toMatchObject({
      status: 'ok',
      detail: expect.stringMatching(/^dbt-core 1\.11\..* packages as pinned$/),
    });
  });

  it('is restored to its initial state by clean --all', () => {
    const { status, stdout } = meetup('clean', '--all', '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'removed' });
    for (const made of ['.meetup', 'node_modules', 'dist']) expect(existsSync(join(clone, made))).toBe(false);
    expect(execFileSync('git', ['-C', repository, 'ls-files', 'data'], { encoding: 'utf8' })).not.toBe('');
    expect(existsSync(join(clone, 'data'))).toBe(true);
  });
});

function dbtIn(stdout: string): unknown {
  const { checks }: { checks: { name: string }[] } = JSON.parse(stdout);
  return checks.find(({ name }) => name === "dbt's environment");
}
