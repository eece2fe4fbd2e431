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

/** Writes the project at a commit to a folder, without touching the working tree or git's index. */
export async function withBaseProject<T>(
  paths: Paths,
  commit: string,
  work: (base: BaseProject) => Promise<T>,
): Promise<T> {
  const folder = await makeTemporaryFolder('meetup-base-');
  try {
    const prefix = await checkOut(paths, commit, folder);
    const dbtProject = join(folder, 'tree', prefix, relative(paths.root, paths.dbtProject));
    return await work({
      dbtProject,
      target: join(folder, 'target'),
      manifestFile: join(folder, 'manifest', 'manifest.json'),
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
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
