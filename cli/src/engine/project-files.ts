import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  type Stats,
  statSync,
} from 'node:fs';
import { basename, join, relative, resolve, sep } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { hasCode } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';

/*
 * Which files a build depends on, as far as can be known without dbt: what the watcher watches. What a build really read is
 * reported by the engine (engine/python/meetup_engine/project/files.py) and used in `project-inputs.ts`.
 */

/** dbt's defaults for keys that are missing in dbt_project.yml. */
const DEFAULT_PATHS: Readonly<Record<string, readonly string[]>> = {
  'model-paths': ['models'],
  'macro-paths': ['macros'],
  'seed-paths': ['seeds'],
  'snapshot-paths': ['snapshots'],
  'test-paths': ['tests'],
  'analysis-paths': ['analyses'],
  'function-paths': ['functions'],
};

/** Folders of tools. Inside a folder that dbt searches, they count, because dbt reads them too. */
const TOOLS = new Set(['node_modules', '.idea', '.vscode', '.venv', 'target', 'logs']);

/** Never part of a project, regardless of where they are. */
const NEVER = new Set(['.git', '.hg', '.svn', '.jj', '__pycache__', '.DS_Store', '.user.yml']);

/** Files that editors create next to the edited one: locks, swap files, backups, and files that will be renamed. */
const LEFT_BY_EDITORS = /^(4913|\.#.*|#.*#|.*(~|\.sw[a-z]|\.tmp|\.temp|\.bak|\.orig|\.crswap|___jb_(tmp|old)___))$/s;

/** A project's folders, from dbt_project.yml. All paths are absolute. */
export interface ProjectFolders {
  /** Folders that dbt searches, whether or not they exist; they may be outside the project's folder. */
  readonly searched: readonly string[];
  /** Where packages are installed; each entry is a project, and often a link. */
  readonly packages: string;
  /** Folders that dbt or `dbt clean` creates and removes. */
  readonly made: readonly string[];
  /** False if the file can't be read or a path is an expression, so that there may be others. */
  readonly certain: boolean;
}

const projectFile = z.record(z.string(), z.unknown());

/** Reads the folders from dbt_project.yml. Errors in that file are left for dbt to report. */
export function projectFolders(paths: Pick<Paths, 'dbtProject'>): ProjectFolders {
  const config = readProjectFile(join(paths.dbtProject, 'dbt_project.yml'));
  const all: string[] = [];
  let certain = config !== undefined;
  const listed = (key: string, otherwise: readonly string[]): string[] => {
    const value = config?.[key] ?? otherwise;
    const names = (Array.isArray(value) ? value : [value]).filter((name) => typeof name === 'string');
    if (names.some((name) => name.includes('{{') || name.includes('{%'))) certain = false;
    return names.map((name) => resolve(paths.dbtProject, name));
  };
  const keys = new Set([
    ...Object.keys(DEFAULT_PATHS),
    ...Object.keys(config ?? {}).filter((key) => /[-_]paths$/.test(key)),
  ]);
  keys.delete('asset-paths');
  for (const key of keys) all.push(...listed(key, DEFAULT_PATHS[key] ?? []));
  const made = ['target-path', 'log-path', 'clean-targets'].flatMap((key) => listed(key, []));
  const [packages = join(paths.dbtProject, 'dbt_packages')] = listed('packages-install-path', ['dbt_packages']);
  return { searched: [...new Set(all)].sort(), packages, made: made.filter((path) => path !== packages), certain };
}

/** The project's name, from dbt_project.yml; undefined if it can't be read, which dbt reports better. */
export function projectName(paths: Pick<Paths, 'dbtProject'>): string | undefined {
  const name = readProjectFile(join(paths.dbtProject, 'dbt_project.yml'))?.name;
  return typeof name === 'string' ? name : undefined;
}

function readProjectFile(path: string): Record<string, unknown> | undefined {
  try {
    return projectFile.parse(parse(readRegularFile(path).toString('utf8')));
  } catch {
    return undefined;
  }
}

/** The folders that contain every file that can change a build, except for data. */
export function projectRoots(paths: Paths, folders: ProjectFolders): string[] {
  return [
    ...new Set([
      paths.dbtProject,
      paths.fixtures,
      paths.scenarios,
      paths.profiles,
      ...folders.searched,
      ...packagesIn(folders),
    ]),
  ];
}

function packagesIn({ packages }: ProjectFolders): string[] {
  try {
    return readdirSync(packages).map((name) => join(packages, name));
  } catch {
    return [];
  }
}

/** Whether a path isn't part of the project's sources: created by editors, dbt or other tools, or part of the state folder. */
export function isIgnored(
  path: string,
  paths: Pick<Paths, 'root' | 'state' | 'data' | 'schemas'>,
  folders: Pick<ProjectFolders, 'searched' | 'made'>,
): boolean {
  if (isWithin(path, paths.state)) return true;
  // Only names below the project's folders count: those folders themselves may have any name and be anywhere.
  const names = below(path, [paths.root, paths.data, paths.schemas, ...folders.searched]);
  if (names.some((name) => NEVER.has(name)) || LEFT_BY_EDITORS.test(names.at(-1) ?? '')) return true;
  if (folders.searched.some((folder) => isWithin(path, folder) || isWithin(folder, path))) return false;
  return names.some((name) => TOOLS.has(name)) || folders.made.some((folder) => isWithin(path, folder));
}

/** The path's segments relative to the innermost of the folders that contain it; only its own name if none does. */
function below(path: string, folders: readonly string[]): string[] {
  const inside = folders.filter((folder) => isWithin(path, folder)).map((folder) => relative(folder, path).split(sep));
  return inside.sort((a, b) => a.length - b.length)[0] ?? [basename(path)];
}

export const isWithin = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);

/** A hash of a file's content, or why it can't be read. Never blocks, even on a pipe, and never throws. */
export function contentOf(path: string): string {
  try {
    return createHash('sha256').update(readRegularFile(path)).digest('hex');
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTDIR')) return `unreadable: ${error instanceof Error ? error.message : error}`;
    return isLink(path) ? 'a link to nothing' : ABSENT;
  }
}

/** The result of `contentOf` for a missing file. */
export const ABSENT = 'absent';

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}

/**
 * Reads a regular file, following links. Doesn't open named pipes, since that would wait for a writer.
 * @throws Error if it is anything else, or can't be read.
 */
export function readRegularFile(path: string): Buffer {
  requireRegular(path, statSync(path));
  // It may have been replaced since the check, and without O_NONBLOCK, opening a pipe would block.
  const descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    requireRegular(path, fstatSync(descriptor));
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function requireRegular(path: string, stats: Stats): void {
  if (!stats.isFile()) throw new Error(`${path} is ${stats.isDirectory() ? 'a folder' : 'not a regular file'}`);
}
