import { existsSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findRoot, type Layout, layoutOf } from './project/layout.ts';
import { readSettings } from './project/read-settings.ts';
import type { Settings } from './project/settings.ts';
import { type Pulled, readPulled } from './pulled.ts';

/** Every place that the project reads or writes, resolved once. Its data folder is never removed. */
export interface Paths extends Layout {
  /** The project's root: the folder of meetup.yml. */
  readonly root: string;
  /** The other settings in meetup.yml. */
  readonly settings: Settings;
  /** The state folder, which is safe to remove: `.meetup/` by default. */
  readonly state: string;
  /** The folder of the local databases, and of what is known about their builds: the state folder, or that of a pulled sample. */
  readonly local: string;
  /** Set if local commands work on a sample that was pulled from a target. */
  readonly pulled?: Pulled;
  /** The private working database; only opened under the write lock. */
  readonly workDatabase: string;
  /** The published database, which readers open. */
  readonly database: string;
  readonly toolchain: string;
  readonly python: string;
  /** The Python of the environment with MetricFlow, which is only made when metrics are asked for. */
  readonly metricsPython: string;
  readonly logs: string;
  readonly dbtTarget: string;
}

/**
 * The root of meetup itself, a checkout or an installed package: three folders above `cli/src/config`, and two above the
 * compiled `dist/config`.
 */
const here = fileURLToPath(new URL('.', import.meta.url));
export const projectRoot = here.includes(`${join('cli', 'src')}`) ? resolve(here, '../../..') : resolve(here, '../..');

/** Whether this is a checkout of meetup, with its sources, and not an installed package. */
export const isCheckout = existsSync(join(projectRoot, 'cli', 'src'));

/** The command line's name in messages. */
export const COMMAND = isCheckout ? './meetup' : 'npx meetup';

/** The folder of files that aren't compiled, such as the Python engine; in a checkout, the source folder. */
export const sourceFolder = isCheckout ? join(projectRoot, 'cli', 'src') : resolve(here, '..');

/** Whether the project is the one in this repository. */
export function isOwnProject(paths: Pick<Paths, 'root'>): boolean {
  return existsSync(paths.root) && realpathSync(paths.root) === realpathSync(projectRoot);
}

/**
 * Resolves all paths from the options, the environment and the project's meetup.yml. Relative ones start at `cwd`.
 * @throws MeetupError with file and line if meetup.yml is wrong.
 */
export function resolvePaths(
  options: { data?: string | undefined; stateDir?: string | undefined },
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): Paths {
  const root = rootOf(env, cwd);
  const settings = readSettings(root);
  const layout = layoutOf(root, settings, env);
  const state = resolve(cwd, options.stateDir || env.MEETUP_STATE_DIR || join(root, '.meetup'));
  const pulled = readPulled(state);
  const local = pulled === undefined ? state : join(state, pulled.folder);
  const toolchain = resolve(cwd, env.MEETUP_TOOLCHAIN_DIR || join(state, 'toolchain'));
  return {
    ...layout,
    root,
    settings,
    data: options.data === undefined ? layout.data : resolve(cwd, options.data),
    state,
    local,
    ...(pulled === undefined ? {} : { pulled }),
    workDatabase: join(local, 'work', 'meetup.duckdb'),
    database: join(local, 'meetup.duckdb'),
    toolchain,
    python: pythonIn(join(toolchain, 'python')),
    metricsPython: pythonIn(join(toolchain, 'metrics')),
    logs: join(state, 'logs'),
    dbtTarget: join(state, 'dbt-target'),
  };
}

const pythonIn = (env: string): string => join(env, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');

/** The root of the project. Outside any project, that of the checkout of meetup, or else the folder itself. */
function rootOf(env: Readonly<Record<string, string | undefined>>, cwd: string): string {
  if (env.MEETUP_PROJECT_DIR) return resolve(cwd, env.MEETUP_PROJECT_DIR);
  return findRoot(cwd) ?? (isCheckout ? projectRoot : cwd);
}
