import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { projectRoot } from '../../src/config/paths.ts';
import { gitIn } from '../support/git.ts';

/** What a command of the installed package returned. */
export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The package as `npm pack` makes it, installed into a folder of its own. */
export interface Installed {
  readonly folder: string;
  /** The program. */
  readonly bin: string;
  /** Copies one of the projects beside this file into a repository of its own. */
  project(name: string): Promise<string>;
  run(cwd: string, ...args: string[]): Promise<Ran>;
  /** The environment that `run` gives to the program. */
  readonly env: Readonly<Record<string, string | undefined>>;
  remove(): Promise<void>;
}

export async function installed(): Promise<Installed> {
  const folder = await mkdtemp(join(tmpdir(), 'meetup-installed-'));
  await execa('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: projectRoot });
  const { version } = await import(join(projectRoot, 'package.json'), { with: { type: 'json' } }).then(
    (module: { default: { version: string } }) => module.default,
  );
  await writeFile(join(folder, 'package.json'), '{"private": true}\n');
  const options = ['--prefer-offline', '--no-audit', '--no-fund', '--omit=dev'];
  await execa('npm', ['install', ...options, join(folder, `meetup-${version}.tgz`)], { cwd: folder });
  const bin = join(folder, 'node_modules', '.bin', 'meetup');
  const { MEETUP_PROJECT_DIR: _project, MEETUP_STATE_DIR: _state, ...rest } = process.env;
  const env = {
    ...rest,
    NO_COLOR: '1',
    HOME: folder,
    MEETUP_TOOLCHAIN_DIR: process.env.MEETUP_TOOLCHAIN_DIR ?? join(projectRoot, '.meetup/toolchain'),
  };
  return {
    folder,
    bin,
    env,
    project: async (name) => {
      const place = join(folder, 'projects', name);
      await mkdir(join(folder, 'projects'), { recursive: true });
      await cp(join(import.meta.dirname, 'projects', name), place, { recursive: true });
      const git = gitIn(place);
      git('init', '--quiet');
      git('add', '--all');
      git('commit', '--quiet', '--message', 'All');
      return place;
    },
    run: async (cwd, ...args) => {
      const { exitCode = -1, stdout, stderr } = await execa(bin, args, { cwd, env, extendEnv: false, reject: false });
      return { exitCode, stdout, stderr };
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
