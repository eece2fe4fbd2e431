import { rm } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { execa } from 'execa';
import type { Paths } from '../config/paths.ts';
import { makeTemporaryFolder } from '../config/temporary-folder.ts';

/** The dbt project as it was at a commit, in a folder that is there only for a while. */
export interface BaseProject {
  readonly dbtProject: string;
  /** For what dbt makes of it. */
  readonly target: string;
  readonly manifestFile: string;
}

/** What dbt may read in a project, for git: all of it, since `model-paths` may name any folder, but for the data. */
export function projectPathspecs(paths: Paths): string[] {
  const data = relative(paths.root, paths.data).split(sep).join('/');
  return data === '' || data.startsWith('..') ? ['.'] : ['.', `:(exclude,literal)${data}`];
}

/** Writes the project as it was at a commit; the working tree and git's index stay as they are. */
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
  // An index of its own: nobody's staged changes are touched.
  const options = { cwd: top.stdout.trim(), env: { GIT_INDEX_FILE: join(folder, 'index') } };
  await execa('git', ['read-tree', commit], options);
  const listed = ['ls-files', '-z', '--full-name', '--', ...projectPathspecs(paths)];
  const inRoot = { cwd: paths.root, env: options.env, stripFinalNewline: false } as const;
  const files = await execa('git', listed, inRoot);
  const prefixed = `--prefix=${join(folder, 'tree')}/`;
  await execa('git', ['checkout-index', '-z', '--stdin', '--force', prefixed], { ...options, input: files.stdout });
  return prefix;
}
