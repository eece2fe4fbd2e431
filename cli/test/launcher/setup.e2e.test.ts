import { existsSync, readFileSync } from 'node:fs';
import { cp, lstat, mkdir, mkdtemp, readdir, readlink, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { hasItsTurn } from '../support/sampled.ts';
import { repository } from './modules.ts';
import { forgetUv, Project, pinOf } from './project.ts';

const describeInTurn = describe.skipIf(!hasItsTurn('an empty machine'));

const ran = (...argv: string[]) => `${JSON.stringify(['version one', ...argv])}\n`;

afterAll(forgetUv);

describeInTurn('./meetup', { timeout: 120_000 }, () => {
  let project: Project;
  afterEach(() => project.remove());

  it('installs everything that is missing, reports that on stderr, and then runs the command', async () => {
    project = await Project.create('missing');
    const first = await project.meetup(['build', '--select', 'x']);
    expect(first).toMatchObject({ code: 0, stdout: ran('build', '--select', 'x') });
    for (const step of ['Installing the Node packages', 'Compiling the command line', 'Installing dbt']) {
      expect(first.stderr).toMatch(new RegExp(`${step} …\n`));
      expect(first.stderr).toMatch(new RegExp(`${step}: done in [\\d.]+ s\n`));
    }
    expect(existsSync(project.path('.meetup', 'toolchain', 'python', 'bin', 'python'))).toBe(true);
    expect(await project.read('dist', 'engine', 'server.py')).toContain('an asset');
    expect((await readdir(project.path('.meetup', 'setup'))).filter((name) => !name.startsWith('lock.'))).toEqual([]);
  });

  it('installs and writes nothing the second time', async () => {
    project = await Project.create('linked');
    await project.meetup(['build']);
    const before = await timesOf(project);
    const second = await project.meetup(['build']);
    expect(second).toMatchObject({ code: 0, stdout: ran('build'), stderr: '' });
    expect(await timesOf(project)).toEqual(before);
  });

  it('needs no Python to print its version or help, nor for commands that do not use dbt', async () => {
    project = await Project.create('linked');
    for (const argv of [['--version'], ['dev', '--help'], ['load']]) {
      expect(await project.meetup(argv, { PYTHON: '/nowhere' })).toMatchObject({ code: 0, stdout: ran(...argv) });
    }
    expect(existsSync(project.path('.meetup', 'toolchain', 'python'))).toBe(false);
  });

  it('works through symbolic links, from any folder', async () => {
    project = await Project.create('linked');
    await symlink('meetup', project.path('second'));
    await mkdir(project.path('bin'));
    await symlink('../second', project.path('bin', 'first'));
    const { spawnSync } = await import('node:child_process');
    const { stdout } = spawnSync(project.path('bin', 'first'), ['--version'], { cwd: tmpdir(), encoding: 'utf8' });
    expect(stdout).toBe(ran('--version'));
  });

  describe('compiling', () => {
    it('happens again if a file changed, but not if it was only touched', async () => {
      project = await Project.create('linked');
      await project.meetup(['load']);
      await utimes(project.path('cli', 'src', 'main.ts'), new Date(), new Date());
      expect(await project.meetup(['load'])).toMatchObject({ stdout: ran('load'), stderr: '' });
      await project.write('cli/src/main.ts', "console.log('version two');\n");
      expect(await project.meetup(['load'])).toMatchObject({ stdout: 'version two\n' });
    });

    it('removes the output of removed source files', async () => {
      project = await Project.create('linked');
      await project.write('cli/src/old.ts', 'export const old = 1;\n');
      await project.meetup(['load']);
      expect(existsSync(project.path('dist', 'old.js'))).toBe(true);
      await rm(project.path('cli', 'src', 'old.ts'));
      await project.meetup(['load']);
      expect(existsSync(project.path('dist', 'old.js'))).toBe(false);
    });

    it('keeps the previous output if the source is broken', async () => {
      project = await Project.create('linked');
      await project.meetup(['load']);
      await project.write('cli/src/main.ts', 'const = 3;\n');
      const { code, stdout, stderr } = await project.meetup(['load', '--json']);
      expect(code).toBe(2);
      expect(JSON.parse(stdout)).toMatchObject({ status: 'error', error: expect.stringContaining('cli/src/main.ts') });
      expect(stderr).toMatch(
        /Error: The command line can't be compiled: cli\/src\/main\.ts\(1,7\): error TS1134: .+\n$/,
      );
      expect(await project.read('dist', 'main.js')).toContain('version one');
    });
  });

  describe('killed half-way (kill -9)', () => {
    it.each([
      ['Installing the Node packages', 250],
      ['Compiling the command line', 60],
      ['Installing dbt', 80],
    ])("during '%s' recovers on the next start", async (step, afterMs) => {
      project = await Project.create(step.includes('Node') ? 'missing' : 'linked');
      const killed = project.start(['build']);
      await killed.waitFor(step);
      await new Promise((done) => setTimeout(done, afterMs));
      killed.process.kill('SIGKILL');
      expect(await killed.ended).toMatchObject({ signal: 'SIGKILL', stdout: '' });
      const next = await project.meetup(['build']);
      expect(next).toMatchObject({ code: 0, stdout: ran('build') });
      expect(next.stderr).toContain(`${step}: done`);
      expect(await project.meetup(['build'])).toMatchObject({ code: 0, stdout: ran('build'), stderr: '' });
      expect((await readdir(project.path('.meetup', 'setup'))).filter((name) => !name.startsWith('lock.'))).toEqual([]);
      expect(await readdir(project.path('.meetup', 'toolchain', 'envs'))).toHaveLength(1);
    });
  });

  it('exits with 130 on Ctrl-C, and ends its child processes', async () => {
    project = await Project.create('linked');
    const bin = await fakeProgram(
      project,
      'uv',
      'echo "uv 9.9.9"; [ "$1" = --version ] || { echo $$ > "$PIDFILE"; sleep 300; }',
    );
    const running = project.start(['build'], { PATH: `${bin}:${process.env.PATH}`, PIDFILE: project.path('pid') });
    await running.waitFor('Installing dbt');
    const pid = await pidIn(project.path('pid'));
    running.process.kill('SIGINT');
    const { code, stdout, stderr } = await running.ended;
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
    expect(stderr).toMatch(/Interrupted\.\n$/);
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  it('installs everything once if it is started twice, and the second one says that it waits', async () => {
    project = await Project.create('missing');
    const first = project.start(['build', '1']);
    await first.waitFor('Installing the Node packages');
    const [one, two] = await Promise.all([first.ended, project.meetup(['build', '2'])]);
    expect(one).toMatchObject({ code: 0, stdout: ran('build', '1') });
    expect(two).toMatchObject({ code: 0, stdout: ran('build', '2') });
    expect(two.stderr).toContain(
      `Waiting for meetup process ${first.process.pid}, which is setting up the same folder`,
    );
    expect(two.stderr).not.toContain('Installing the Node packages');
    expect(await readdir(project.path('.meetup', 'toolchain', 'envs'))).toHaveLength(1);
  });

  it('accepts the result of a manual npm install', async () => {
    project = await Project.create('missing');
    await project.meetup(['load']);
    await rm(project.path('node_modules', '.meetup-stamp.json'));
    expect((await project.meetup(['load'])).stderr).toBe('');
    expect(existsSync(project.path('node_modules', '.meetup-stamp.json'))).toBe(true);
  });

  it('restores output that was partly removed', async () => {
    project = await Project.create('missing');
    await project.write('cli/src/extra.ts', "console.log('extra');\n");
    await project.write('cli/src/main.ts', "import './extra.ts';\nconsole.log('main');\n");
    await project.meetup(['load']);
    await rm(project.path('dist', 'extra.js'));
    const broken = await project.meetup(['load']);
    expect(broken).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('run it again to restore them'),
    });
    expect(await project.meetup(['load'])).toMatchObject({ code: 0, stdout: 'extra\nmain\n' });
  });

  describe('creates a new Python environment', () => {
    it('when the requirements change, and keeps the previous one for processes that still use it', async () => {
      project = await Project.create('linked');
      await project.meetup(['build']);
      const link = project.path('.meetup', 'toolchain', 'python');
      const before = await readlink(link);
      await project.write('dbt/requirements.txt', `${pinOf('six')}${pinOf('colorama')}`);
      expect((await project.meetup(['build'])).stderr).toContain('Installing dbt: done');
      expect(await readlink(link)).not.toBe(before);
      expect(existsSync(before)).toBe(true);
      expect(existsSync(join(link, 'lib'))).toBe(true);
    });

    it('when its interpreter is gone', async () => {
      project = await Project.create('linked');
      await project.meetup(['build']);
      const python = project.path('.meetup', 'toolchain', 'python', 'bin', 'python');
      await rm(python);
      await symlink('/nowhere/python3', python);
      expect((await project.meetup(['build'])).stderr).toContain('Installing dbt: done');
    });

    it('for the development tools, only with test --all', async () => {
      project = await Project.create('linked');
      await project.write('dbt/requirements-dev.txt', pinOf('colorama'));
      await project.meetup(['test']);
      expect(existsSync(project.path('.meetup', 'toolchain', 'dev'))).toBe(false);
      await project.meetup(['test', '--all']);
      expect(existsSync(project.path('.meetup', 'toolchain', 'dev', 'bin', 'python'))).toBe(true);
    });

    it('once for several state folders that share a toolchain', async () => {
      project = await Project.create('linked');
      const env = { MEETUP_TOOLCHAIN_DIR: project.path('shared tools') };
      expect((await project.meetup(['build', '--state-dir', 'a'], env)).stderr).toContain('Installing dbt: done');
      expect((await project.meetup(['build', '--state-dir=b'], env)).stderr).toBe('');
    });
  });

  describe('reports with one sentence', () => {
    const sentence = /^Error: [^\n]+\.\n$/m;

    it('that npm is missing', async () => {
      project = await Project.create('missing');
      const { code, stderr } = await project.meetup(['load'], { PATH: await pathWithout(project, 'npm') });
      expect(code).toBe(2);
      expect(stderr).toMatch(sentence);
      expect(stderr).toContain('because npm is not on the PATH');
    });

    it('that Python is missing', async () => {
      project = await Project.create('linked');
      const { code, stdout, stderr } = await project.meetup(['build', '--json'], { PATH: await pathWithout(project) });
      expect(code).toBe(2);
      expect(stderr).toMatch(sentence);
      expect(JSON.parse(stdout).error).toContain('dbt needs Python 3.10 or newer, and there is none on the PATH');
    });

    it('that npm cannot reach its registry, and keeps the full log', async () => {
      project = await Project.create('missing');
      const { code, stderr } = await project.meetup(['load'], {
        npm_config_registry: 'http://user:p4ss@127.0.0.1:9/',
        npm_config_cache: project.path('empty-cache'),
      });
      expect(code).toBe(2);
      expect(stderr).toMatch(sentence);
      expect(stderr).toContain("because npm can't reach its registry (ECONNREFUSED)");
      const log = await project.read('.meetup', 'logs', 'setup-node-packages.log');
      expect(log).toContain('ECONNREFUSED');
      expect(`${log}${stderr}`).not.toContain('p4ss');
    });

    it('that uv or pip cannot reach its registry', async () => {
      project = await Project.create('linked');
      const nowhere = 'http://127.0.0.1:9/simple';
      const { code, stderr } = await project.meetup(['build'], {
        UV_DEFAULT_INDEX: nowhere,
        UV_CACHE_DIR: project.path('empty-cache'),
        UV_HTTP_RETRIES: '0',
        PIP_INDEX_URL: nowhere,
        PIP_FIND_LINKS: '',
        PIP_NO_CACHE_DIR: '1',
      });
      expect(code).toBe(2);
      expect(stderr).toMatch(sentence);
      expect(stderr).toContain("can't reach its registry");
    });

    it('that a Python package does not match the pinned hash', async () => {
      project = await Project.create('linked');
      await project.write('dbt/requirements.txt', pinOf('six').replace(/sha256:[0-9a-f]{8}/g, 'sha256:00000000'));
      const { code, stderr } = await project.meetup(['build']);
      expect(code).toBe(2);
      expect(stderr).toMatch(sentence);
      expect(stderr).toContain("don't match the hashes in the lock file");
      expect(existsSync(project.path('.meetup', 'toolchain', 'python'))).toBe(false);
    });

    it('that the state folder is not writable', async () => {
      project = await Project.create('linked');
      // Nobody, not even root, can create a folder inside a file.
      await writeFile(project.path('.meetup'), '');
      const { code, stderr } = await project.meetup(['load']);
      expect(code).toBe(2);
      expect(stderr).toMatch(sentence);
      expect(stderr).toContain("can't be written (");
    });
  });

  it('prints no progress with --quiet', async () => {
    project = await Project.create('linked');
    expect(await project.meetup(['build', '--quiet'])).toMatchObject({
      code: 0,
      stderr: '',
      stdout: ran('build', '--quiet'),
    });
  });
});

describeInTurn('./meetup with a state folder', { timeout: 120_000 }, () => {
  let project: Project;
  let elsewhere: string;
  afterEach(async () => {
    await project.remove();
    await rm(elsewhere, { recursive: true, force: true });
  });

  it('marks a folder that it creates, but not one that already contains files', async () => {
    project = await Project.create('linked');
    elsewhere = await mkdtemp(join(tmpdir(), 'meetup-elsewhere-'));
    await project.meetup(['load', '--state-dir', join(elsewhere, 'new')]);
    expect(await readdir(join(elsewhere, 'new'))).toContain('CACHEDIR.TAG');
    await mkdir(join(elsewhere, 'used'));
    await cp(join(repository, 'package.json'), join(elsewhere, 'used', 'package.json'));
    await project.meetup(['load', '--state-dir', join(elsewhere, 'used')]);
    expect(await readdir(join(elsewhere, 'used'))).toEqual(['package.json']);
  });

  it('does not create it for a command that only reads', async () => {
    project = await Project.create('linked');
    elsewhere = await mkdtemp(join(tmpdir(), 'meetup-elsewhere-'));
    await project.meetup(['load']);
    await project.meetup(['query', 'select 1', '--state-dir', join(elsewhere, 'none')]);
    expect(await readdir(elsewhere)).toEqual([]);
  });
});

/** The modification times of every file and folder that a start could have written. */
async function timesOf(project: Project): Promise<Record<string, number>> {
  const times: Record<string, number> = {};
  for (const top of ['.', '.meetup', 'dist', 'cli']) {
    for (const entry of await readdir(project.path(top), { recursive: top !== '.' })) {
      // Node 22 and newer keep a compile cache next to the CLI.
      if (entry.includes('.compile-cache')) continue;
      // Of a link, not of the packages that it leads to: other tests use these at the same time.
      times[join(top, entry)] = (await lstat(project.path(top, entry))).mtimeMs;
    }
  }
  return times;
}

/** Waits for a process id in a file. */
async function pidIn(path: string): Promise<number> {
  const written = () => (existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0);
  await expect.poll(written, { timeout: 20_000 }).toBeGreaterThan(0);
  return written();
}

async function fakeProgram(project: Project, name: string, body: string): Promise<string> {
  const bin = project.path('bin');
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  return bin;
}

/** A PATH with Node, npm and the tools that the shell script needs, except for the missing ones. */
async function pathWithout(project: Project, ...missing: string[]): Promise<string> {
  const { execFileSync } = await import('node:child_process');
  const bin = project.path('bin');
  await mkdir(bin, { recursive: true });
  for (const name of ['node', 'npm', 'dirname', 'readlink', 'sh', 'env']) {
    if (missing.includes(name)) continue;
    await symlink(execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim(), join(bin, name));
  }
  return bin;
}
