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
 * Which files a build is made from, as far as that can be known without dbt: what the watcher looks at. What a build really
 * read is said by the engine (engine/python/meetup_engine/project/files.py), for `project-inputs.ts`.
 */

/** dbt's own defaults, for keys that dbt_project.yml leaves out. */
const DEFAULT_PATHS: Readonly<Record<string, readonly string[]>> = {
  'model-paths': ['models'],
  'macro-paths': ['macros'],
  'seed-paths': ['seeds'],
  'snapshot-paths': ['snapshots'],
  'test-paths': ['tests'],
  'analysis-paths': ['analyses'],
  'function-paths': ['functions'],
};

/** Folders of tools. dbt reads them too where they lie in a folder that it searches, so there they count. */
const TOOLS = new Set(['node_modules', '.idea', '.vscode', '.venv', 'target', 'logs']);

/** Never part of a project, wherever they lie. */
const NEVER = new Set(['.git', '.hg', '.svn', '.jj', '__pycache__', '.DS_Store', '.user.yml']);

/** What editors leave beside the file that is edited: locks, swap files, backups, and files on their way to a rename. */
const LEFT_BY_EDITORS = /^(4913|\.#.*|#.*#|.*(~|\.sw[a-z]|\.tmp|\.temp|\.bak|\.orig|\.crswap|___jb_(tmp|old)___))$/s;

/** The folders of a project, as dbt_project.yml says. All paths are absolute. */
export interface ProjectFolders {
  /** Folders that dbt searches, whether they are there or not; they may lie outside the project's own. */
  readonly searched: readonly string[];
  /** Where packages are installed; each entry is a project of its own, and often a link. */
  readonly packages: string;
  /** What dbt or `dbt clean` makes and removes. */
  readonly made: readonly string[];
  /** False if the file can't be read or a path is an expression, so that there may be others. */
  readonly certain: boolean;
}

const projectFile = z.record(z.string(), z.unknown());

/** Reads the folders from dbt_project.yml. What is wrong with that file is for dbt to say. */
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

function readProjectFile(path: string): Record<string, unknown> | undefined {
  try {
    return projectFile.parse(parse(readRegularFile(path).toString('utf8')));
  } catch {
    return undefined;
  }
}

/** The folders that have to be looked at to see every file that can change a build, data aside. */
export function projectRoots(paths: Paths, folders: ProjectFolders): string[] {
  return [...new Set([paths.dbtProject, paths.fixtures, paths.profiles, ...folders.searched, ...packagesIn(folders)])];
}

function packagesIn({ packages }: ProjectFolders): string[] {
  try {
    return readdirSync(packages).map((name) => join(packages, name));
  } catch {
    return [];
  }
}

/** Whether a path is nothing that people wrote: what editors, dbt and other tools leave beside their files, or our own state. */
export function isIgnored(
  path: string,
  paths: Pick<Paths, 'root' | 'state' | 'data'>,
  folders: Pick<ProjectFolders, 'searched' | 'made'>,
): boolean {
  if (isWithin(path, paths.state)) return true;
  // Only what lies below a folder of the project counts: that one itself may be called anything, and lie anywhere.
  const names = below(path, [paths.root, paths.data, ...folders.searched]);
  if (names.some((name) => NEVER.has(name)) || LEFT_BY_EDITORS.test(names.at(-1) ?? '')) return true;
  if (folders.searched.some((folder) => isWithin(path, folder) || isWithin(folder, path))) return false;
  return names.some((name) => TOOLS.has(name)) || folders.made.some((folder) => isWithin(path, folder));
}

/** The names that lead to a path from the innermost of some folders that it lies in; its own name where it lies in none. */
function below(path: string, folders: readonly string[]): string[] {
  const inside = folders.filter((folder) => isWithin(path, folder)).map((folder) => relative(folder, path).split(sep));
  return inside.sort((a, b) => a.length - b.length)[0] ?? [basename(path)];
}

export const isWithin = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);

/** A hash of what a file holds, or why it can't be told. Never waits, whatever the file is, and never throws. */
export function contentOf(path: string): string {
  try {
    return createHash('sha256').update(readRegularFile(path)).digest('hex');
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTDIR')) return `unreadable: ${error instanceof Error ? error.message : error}`;
    return isLink(path) ? 'a link to nothing' : ABSENT;
  }
}

/** What `contentOf` says where there is no file. */
export const ABSENT = 'absent';

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}

/**
 * Reads a regular file, or one that a link leads to. A named pipe is not opened, since that would wait for a writer.
 * @throws Error if it is anything else, or can't be read.
 */
export function readRegularFile(path: string): Buffer {
  requireRegular(path, statSync(path));
  // It may have been replaced since: without O_NONBLOCK, opening a pipe would wait.
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
