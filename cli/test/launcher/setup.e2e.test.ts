import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readlink, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { repository } from './modules.ts';
import { forgetUv, Project, pinOf } from './project.ts';

const ran = (...argv: string[]) => `${JSON.stringify(['version one', ...argv])}\n`;

afterAll(forgetUv);

describe('./meetup', { timeout: 120_000 }, () => {
  let project: Project;
  afterEach(() => project.remove());

  it('makes all that is missing, says so on stderr, and then runs', async () => {
    project = await Project.make('missing');
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

  it('makes and writes nothing the second time', async () => {
    project = await Project.make('linked');
    await project.meetup(['build']);
    const before = await timesOf(project);
    const second = await project.meetup(['build']);
    expect(second).toMatchObject({ code: 0, stdout: ran('build'), stderr: '' });
    expect(await timesOf(project)).toEqual(before);
  });

  it('needs no Python to say its version or its help, nor for commands without dbt', async () => {
    project = await Project.make('linked');
    for (const argv of [['--version'], ['dev', '--help'], ['load']]) {
      expect(await project.meetup(argv, { PYTHON: '/nowhere' })).toMatchObject({ code: 0, stdout: ran(...argv) });
    }
    expect(existsSync(project.path('.meetup', 'toolchain', 'python'))).toBe(false);
  });

  it('is found through links, from any folder', async () => {
    project = await Project.make('linked');
    await symlink('meetup', project.path('second'));
    await mkdir(project.path('bin'));
    await symlink('../second', project.path('bin', 'first'));
    const { spawnSync } = await import('node:child_process');
    const { stdout } = spawnSync(project.path('bin', 'first'), ['--version'], { cwd: tmpdir(), encoding: 'utf8' });
    expect(stdout).toBe(ran('--version'));
  });

  describe('compiles', () => {
    it('again what was changed, and not what was only touched', async () => {
      project = await Project.make('linked');
      await project.meetup(['load']);
      await utimes(project.path('cli', 'src', 'main.ts'), new Date(), new Date());
      expect(await project.meetup(['load'])).toMatchObject({ stdout: ran('load'), stderr: '' });
      await project.write('cli/src/main.ts', "console.log('version two');\n");
      expect(await project.meetup(['load'])).toMatchObject({ stdout: 'version two\n' });
    });

    it('without leaving what a removed source had become', async () => {
      project = await Project.make('linked');
      await project.write('cli/src/old.ts', 'export const old = 1;\n');
      await project.meetup(['load']);
      expect(existsSync(project.path('dist', 'old.js'))).toBe(true);
      await rm(project.path('cli', 'src', 'old.ts'));
      await project.meetup(['load']);
      expect(existsSync(project.path('dist', 'old.js'))).toBe(false);
    });

    it('not at all where the source is broken, and keeps what there was', async () => {
      project = await Project.make('linked');
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
    ])('while %s is mended by the next start', async (step, afterMs) => {
      project = await Project.make(step.includes('Node') ? 'missing' : 'linked');
      const killed = project.start(['build']);
      await killed.says(step);
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

  it('is stopped by Ctrl-C with 130, and takes what it had started with it', async () => {
    project = await Project.make('linked');
    const bin = await fakeProgram(
      project,
      'uv',
      'echo "uv 9.9.9"; [ "$1" = --version ] || { echo $$ > "$PIDFILE"; sleep 300; }',
    );
    const running = project.start(['build'], { PATH: `${bin}:${process.env.PATH}`, PIDFILE: project.path('pid') });
    await running.says('Installing dbt');
    const pid = await pidIn(project.path('pid'));
    running.process.kill('SIGINT');
    const { code, stdout, stderr } = await running.ended;
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
    expect(stderr).toMatch(/Interrupted\.\n$/);
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  it('started twice at once makes everything once, and the second waits and says so', async () => {
    project = await Project.make('missing');
    const first = project.start(['build', '1']);
    await first.says('Installing the Node packages');
    const [one, two] = await Promise.all([first.ended, project.meetup(['build', '2'])]);
    expect(one).toMatchObject({ code: 0, stdout: ran('build', '1') });
    expect(two).toMatchObject({ code: 0, stdout: ran('build', '2') });
    expect(two.stderr).toContain(
      `Waiting for meetup process ${first.process.pid}, which is setting up the same folder`,
    );
    expect(two.stderr).not.toContain('Installing the Node packages');
    expect(await readdir(project.path('.meetup', 'toolchain', 'envs'))).toHaveLength(1);
  });

  it("takes somebody's own npm install for what it is", async () => {
    project = await Project.make('missing');
    await project.meetup(['load']);
    await rm(project.path('node_modules', '.meetup-stamp.json'));
    expect((await project.meetup(['load'])).stderr).toBe('');
    expect(existsSync(project.path('node_modules', '.meetup-stamp.json'))).toBe(true);
  });

  it('makes anew what somebody removed a part of', async () => {
    project = await Project.make('missing');
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

  describe('makes a new Python environment', () => {
    it('when the requirements change, and keeps the one before for who still runs in it', async () => {
      project = await Project.make('linked');
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
      project = await Project.make('linked');
      await project.meetup(['build']);
      const python = project.path('.meetup', 'toolchain', 'python', 'bin', 'python');
      await rm(python);
      await symlink('/nowhere/python3', python);
      expect((await project.meetup(['build'])).stderr).toContain('Installing dbt: done');
    });

    it('for the tools that check the project itself with test --all alone', async () => {
      project = await Project.make('linked');
      await project.write('dbt/requirements-dev.txt', pinOf('colorama'));
      await project.meetup(['test']);
      expect(existsSync(project.path('.meetup', 'toolchain', 'dev'))).toBe(false);
      await project.meetup(['test', '--all']);
      expect(existsSync(project.path('.meetup', 'toolchain', 'dev', 'bin', 'python'))).toBe(true);
    });

    it('in a toolchain that several state folders share', async () => {
      project = await Project.make('linked');
      const env = { MEETUP_TOOLCHAIN_DIR: project.path('shared tools') };
      expect((await project.meetup(['build', '--state-dir', 'a'], env)).stderr).toContain('Installing dbt: done');
      expect((await project.meetup(['build', '--state-dir=b'], env)).stderr).toBe('');
    });
  });

  describe('says in one plain sentence', () => {
    const sentence = /^Error: [^\n]+\.\n$/m;

    it('that npm is missing', async () => {
      project = await Project.make('missing');
      const { code, stderr } = await project.meetup(['load'], { PATH: await pathWithout(project, 'npm') });
      expect(code).toBe(2);
      expect(stderr).toMatch(sentence);
      expect(stderr).toContain('because npm is not on the PATH');
    });

    it('that Python is missing', async () => {
      project = await Project.make('linked');
      const { code, stdout, stderr } = await project.meetup(['build', '--json'], { PATH: await pathWithout(project) });
      expect(code).toBe(2);
      expect(stderr).toMatch(sentence);
      expect(JSON.parse(stdout).error).toContain('dbt needs Python 3.10 or newer, and there is none on the PATH');
    });

    it('that npm reaches no registry, and keeps the whole log', async () => {
      project = await Project.make('missing');
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

    it('that Python packages come from nowhere', async () => {
      project = await Project.make('linked');
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

    it('that a Python package is not the pinned one', async () => {
      project = await Project.make('linked');
      await project.write('dbt/requirements.txt', pinOf('six').replace(/sha256:[0-9a-f]{8}/g, 'sha256:00000000'));
      const { code, stderr } = await project.meetup(['build']);
      expect(code).toBe(2);
      expect(stderr).toMatch(sentence);
      expect(stderr).toContain("don't match the hashes in the lock file");
      expect(existsSync(project.path('.meetup', 'toolchain', 'python'))).toBe(false);
    });

    it('that it may not write', async () => {
      project = await Project.make('linked');
      // Nobody, not even root, can make a folder below a file.
      await writeFile(project.path('.meetup'), '');
      const { code, stderr } = await project.meetup(['load']);
      expect(code).toBe(2);
      expect(stderr).toMatch(sentence);
      expect(stderr).toContain("can't be written (");
    });
  });

  it('prints nothing of its own with --quiet', async () => {
    project = await Project.make('linked');
    expect(await project.meetup(['build', '--quiet'])).toMatchObject({
      code: 0,
      stderr: '',
      stdout: ran('build', '--quiet'),
    });
  });
});

describe('./meetup with a state folder', { timeout: 120_000 }, () => {
  let project: Project;
  let elsewhere: string;
  afterEach(async () => {
    await project.remove();
    await rm(elsewhere, { recursive: true, force: true });
  });

  it('marks the one that it makes, and leaves one with something in it unmarked', async () => {
    project = await Project.make('linked');
    elsewhere = await mkdtemp(join(tmpdir(), 'meetup-elsewhere-'));
    await project.meetup(['load', '--state-dir', join(elsewhere, 'new')]);
    expect(await readdir(join(elsewhere, 'new'))).toContain('CACHEDIR.TAG');
    await mkdir(join(elsewhere, 'used'));
    await cp(join(repository, 'package.json'), join(elsewhere, 'used', 'package.json'));
    await project.meetup(['load', '--state-dir', join(elsewhere, 'used')]);
    expect(await readdir(join(elsewhere, 'used'))).toEqual(['package.json']);
  });

  it('makes none for a command that only reads', async () => {
    project = await Project.make('linked');
    elsewhere = await mkdtemp(join(tmpdir(), 'meetup-elsewhere-'));
    await project.meetup(['load']);
    await project.meetup(['query', 'select 1', '--state-dir', join(elsewhere, 'none')]);
    expect(await readdir(elsewhere)).toEqual([]);
  });
});

/** Every file and folder that a start could have written, with its time. */
async function timesOf(project: Project): Promise<Record<string, number>> {
  const times: Record<string, number> = {};
  for (const top of ['.', '.meetup', 'dist', 'cli']) {
    for (const entry of await readdir(project.path(top), { recursive: top !== '.' })) {
      // Node keeps what it compiled beside the CLI, from its version 22 on.
      if (entry.includes('.compile-cache')) continue;
      times[join(top, entry)] = (await stat(project.path(top, entry))).mtimeMs;
    }
  }
  return times;
}

/** The process number in a file, as soon as it is written there. */
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

/** A PATH with Node and what the shell script needs, and npm unless it is the one to be without. */
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
