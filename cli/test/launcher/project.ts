import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { repository } from './modules.ts';

/** How a run of `./meetup` ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A run of `./meetup` that has not ended. */
export interface Running {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Waits until stderr contains a text. */
  waitFor(text: string): Promise<void>;
}

/**
 * A small project with the real launcher, in a temporary folder. It has one source file instead of the CLI, and one small
 * Python package instead of dbt, so that every step of the setup is real but only takes seconds.
 */
export class Project {
  readonly root: string;
  readonly #env: Record<string, string> = {};

  private constructor(root: string) {
    this.root = root;
  }

  /** @param packages `linked`: the installed packages of this repository. `missing`: none, and only the compiler to install. */
  static async create(packages: 'linked' | 'missing'): Promise<Project> {
    const root = await mkdtemp(join(tmpdir(), 'meetup-project-'));
    for (const file of ['meetup', 'cli/launcher', 'tsconfig.json', 'tsconfig.build.json', 'package.json']) {
      await cp(join(repository, file), join(root, file), { recursive: true });
    }
    const project = new Project(root);
    await project.write('cli/src/main.ts', "console.log(JSON.stringify(['version one', ...process.argv.slice(2)]));\n");
    await project.write('cli/src/engine/server.py', 'print("an asset")\n');
    await project.write('dbt/requirements.txt', pinOf('six'));
    if (packages === 'linked') {
      await cp(join(repository, 'package-lock.json'), join(root, 'package-lock.json'));
      await symlink(join(repository, 'node_modules'), project.path('node_modules'));
    } else {
      const { manifest, lock } = compilerOnly();
      await project.write('package.json', JSON.stringify(manifest));
      await project.write('package-lock.json', JSON.stringify(lock));
    }
    return project;
  }

  path(...parts: string[]): string {
    return join(this.root, ...parts);
  }

  async write(path: string, text: string): Promise<void> {
    await mkdir(join(this.path(path), '..'), { recursive: true });
    await writeFile(this.path(path), text);
  }

  read(...parts: string[]): Promise<string> {
    return readFile(this.path(...parts), 'utf8');
  }

  /** Runs `./meetup` until it ends. A variable that is undefined is removed from the environment. */
  meetup(argv: readonly string[], env: Record<string, string | undefined> = {}): Promise<Ended> {
    return this.start(argv, env).ended;
  }

  start(argv: readonly string[], env: Record<string, string | undefined> = {}): Running {
    const child = spawn(this.path('meetup'), argv, {
      cwd: this.root,
      env: { ...cleanEnvironment(), ...this.#env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => {
      stdout += String(chunk);
    });
    child.stderr.on('data', (chunk) => {
      stderr += String(chunk);
    });
    const ended = once(child, 'close').then(([code, signal]): Ended => ({ code, signal, stdout, stderr }));
    const waitFor = async (text: string): Promise<void> => {
      while (!stderr.includes(text)) {
        if (child.exitCode !== null) throw new Error(`ended without saying '${text}': ${stderr}`);
        await Promise.race([once(child.stderr, 'data'), ended]);
      }
    };
    return { process: child, ended, waitFor };
  }

  async remove(): Promise<void> {
    await keepUv(this.path('.meetup', 'toolchain', 'uv', 'bin', 'uv'));
    await rm(this.root, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

const uvKept = join(tmpdir(), `meetup-test-uv-${process.pid}`);

/** If uv is not installed, the launcher of the first test installs it. This keeps it for the other tests. */
async function keepUv(uv: string): Promise<void> {
  if (!existsSync(uv) || existsSync(uvKept)) return;
  await mkdir(uvKept);
  await cp(uv, join(uvKept, 'uv'));
}

/** Removes the kept uv. Call it at the end of a test file. */
export function forgetUv(): Promise<void> {
  return rm(uvKept, { recursive: true, force: true });
}

/** This process's environment with an installed uv on the PATH, and without the variables that configure meetup. */
function cleanEnvironment(): Record<string, string | undefined> {
  const {
    MEETUP_PROJECT_DIR: _project,
    MEETUP_STATE_DIR: _state,
    MEETUP_TOOLCHAIN_DIR: toolchain,
    PYTHON: _python,
    ...rest
  } = process.env;
  const present = join(toolchain ?? join(repository, '.meetup', 'toolchain'), 'uv', 'bin');
  return { ...rest, PATH: [process.env.PATH, present, uvKept].join(delimiter), NO_COLOR: '1' };
}

/** The lines of the real requirements that pin one package, with all its hashes. */
export function pinOf(name: string): string {
  const text = readFileSync(join(repository, 'dbt', 'requirements.txt'), 'utf8');
  const pin = new RegExp(`^${name}==.*(\\n    --hash.*)+`, 'm').exec(text)?.[0];
  if (pin === undefined) throw new Error(`dbt/requirements.txt does not pin ${name}`);
  return `${pin}\n`;
}

interface LockFile {
  packages: Record<string, { version?: string }>;
}

/** package.json and its lock file, reduced to the TypeScript compiler. */
function compilerOnly(): { manifest: object; lock: object } {
  const lock: LockFile = JSON.parse(readFileSync(join(repository, 'package-lock.json'), 'utf8'));
  const kept = Object.entries(lock.packages).filter(([path]) =>
    /^node_modules\/(typescript|@typescript\/.*|@types\/node|undici-types)$/.test(path),
  );
  const devDependencies = Object.fromEntries(
    ['typescript', '@types/node'].map((name) => [name, lock.packages[`node_modules/${name}`]?.version ?? '*']),
  );
  const manifest = { name: 'meetup', version: '0.1.0', type: 'module', devDependencies };
  return {
    manifest,
    lock: { ...manifest, lockfileVersion: 3, packages: { '': manifest, ...Object.fromEntries(kept) } },
  };
}
