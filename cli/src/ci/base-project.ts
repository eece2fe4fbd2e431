import { rm } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { execa } from 'execa';
import type { Paths } from '../config/paths.ts';
import { makeTemporaryFolder } from '../config/temporary-folder.ts';

/** The dbt project at a commit, in a temporary folder. */
export interface BaseProject {
  readonly dbtProject: string;
  /** dbt's target folder for it. */
  readonly target: string;
  readonly manifestFile: string;
}

/** Git pathspecs of what dbt may read: everything except the data, because `model-paths` may name any folder. */
export function projectPathspecs(paths: Paths): string[] {
  const data = relative(paths.root, paths.data).split(sep).join('/');
  return data === '' || data.startsWith('..') ? ['.'] : ['.', `:(exclude,literal)${data}`];
}

/** The project at the base, written to a temporary folder once, when a part of a check first asks for it. */
export class BaseCheckout {
  readonly #paths: Paths;
  #folder: Promise<string> | undefined;
  #project: Promise<BaseProject> | undefined;

  constructor(paths: Paths) {
    this.#paths = paths;
  }

  /** Writes it without touching the working tree or git's index. */
  at(commit: string): Promise<BaseProject> {
    this.#project ??= this.#write(commit);
    return this.#project;
  }

  /** Removes what was written. */
  async remove(): Promise<void> {
    if (this.#folder !== undefined) await rm(await this.#folder, { recursive: true, force: true });
  }

  async #write(commit: string): Promise<BaseProject> {
    this.#folder = makeTemporaryFolder('meetup-base-');
    const folder = await this.#folder;
    const prefix = await checkOut(this.#paths, commit, folder);
    return {
      dbtProject: join(folder, 'tree', prefix, relative(this.#paths.root, this.#paths.dbtProject)),
      target: join(folder, 'target'),
      manifestFile: join(folder, 'manifest', 'manifest.json'),
    };
  }
}

/** @returns the project's place in its repository, which may hold more than the project. */
async function checkOut(paths: Paths, commit: string, folder: string): Promise<string> {
  const top = await execa('git', ['rev-parse', '--show-toplevel'], { cwd: paths.root });
  const prefix = (await execa('git', ['rev-parse', '--show-prefix'], { cwd: paths.root })).stdout.trim();
  // A separate index, so that staged changes are not touched.
  const options = { cwd: top.stdout.trim(), env: { GIT_INDEX_FILE: join(folder, 'index') } };
  await execa('git', ['read-tree', commit], options);
  const listed = ['ls-files', '-z', '--full-name', '--', ...projectPathspecs(paths)];
  const inRoot = { cwd: paths.root, env: options.env, stripFinalNewline: false } as const;
  const files = await execa('git', listed, inRoot);
  const prefixed = `--prefix=${join(folder, 'tree')}/`;
  await execa('git', ['checkout-index', '-z', '--stdin', '--force', prefixed], { ...options, input: files.stdout });
  return prefix;
}
