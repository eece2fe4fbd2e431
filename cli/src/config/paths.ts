import { existsSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Every place that the project reads or writes, resolved once. */
export interface Paths {
  /** The repository's root. */
  readonly root: string;
  /** The input folder; never removed. */
  readonly data: string;
  readonly schemas: string;
  readonly dbtProject: string;
  readonly profiles: string;
  readonly fixtures: string;
  /** The state folder, which is safe to remove: `.meetup/` by default. */
  readonly state: string;
  /** The private working database; opened under the write lock only. */
  readonly workDatabase: string;
  /** The published database, which readers open. */
  readonly database: string;
  readonly toolchain: string;
  readonly python: string;
  readonly logs: string;
  readonly dbtTarget: string;
}

/** The repository's root: two folders above both `cli/src/config` and, compiled, one above `dist/config`. */
const here = fileURLToPath(new URL('.', import.meta.url));
export const projectRoot = here.includes(`${join('cli', 'src')}`) ? resolve(here, '../../..') : resolve(here, '../..');

/** Whether the project is the one in this repository, and not another one set by MEETUP_PROJECT_DIR. */
export function isOwnProject(paths: Pick<Paths, 'root'>): boolean {
  return existsSync(paths.root) && realpathSync(paths.root) === realpathSync(projectRoot);
}

/** Resolves all paths from the options and the environment. Relative ones start at `cwd`. */
export function resolvePaths(
  options: { data?: string | undefined; stateDir?: string | undefined },
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): Paths {
  const state = resolve(cwd, options.stateDir || env.MEETUP_STATE_DIR || join(projectRoot, '.meetup'));
  const toolchain = resolve(cwd, env.MEETUP_TOOLCHAIN_DIR || join(state, 'toolchain'));
  const project = resolve(cwd, env.MEETUP_PROJECT_DIR || projectRoot);
  return {
    root: project,
    data: resolve(cwd, options.data ?? join(project, 'data')),
    schemas: join(project, 'data', 'schemas'),
    dbtProject: join(project, 'dbt'),
    profiles: join(project, 'profiles'),
    fixtures: join(project, 'fixtures'),
    state,
    workDatabase: join(state, 'work', 'meetup.duckdb'),
    database: join(state, 'meetup.duckdb'),
    toolchain,
    python: join(toolchain, 'python', process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python'),
    logs: join(state, 'logs'),
    dbtTarget: join(state, 'dbt-target'),
  };
}
