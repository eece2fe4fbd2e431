import { existsSync, statSync } from 'node:fs';
import { basename, join, relative, sep } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import { z } from 'zod';
import type { Paths } from '../config/paths.ts';

/** How long it has to be quiet before what was saved counts as one change (milliseconds). */
const QUIET_MS = 15;
/** Some editors remove a file and write it anew: only what stays away this long is believed to be deleted. */
const QUIET_AFTER_REMOVAL_MS = 80;
/** Nobody saves so many files at once by hand: a checkout, which may go on for longer than a save. */
const CHECKOUT_FILES = 4;
const QUIET_AFTER_CHECKOUT_MS = 80;

/** What editors, dbt and Python leave beside the files that people write. */
const NOISE =
  /(^|[\\/])(target|logs|dbt_packages|node_modules|\.git|\.idea|\.vscode|__pycache__|\.DS_Store|\.user\.yml|4913|\.#[^\\/]*|#[^\\/]*#)$|(~|\.sw[a-z]|\.tmp|\.temp|\.bak|\.orig|\.crswap|___jb_(tmp|old)___)$/;

export interface Watcher {
  /** Resolves, with all files, once every folder is being watched. */
  readonly ready: Promise<string[]>;
  close(): Promise<void>;
}

/**
 * Watches everything that a build is made from, and tells what changed, in batches: all that was touched until the
 * folders were quiet for a moment, be it one save or a git checkout of a hundred files. Paths are absolute.
 */
export function watchProject(paths: Paths, onChange: (files: string[]) => void): Watcher {
  const touched = new Set<string>();
  let removed = false;
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    const files = [...touched].sort();
    touched.clear();
    removed = false;
    onChange(files);
  };
  const touch = (file: string, gone: boolean): void => {
    touched.add(file);
    removed ||= gone;
    clearTimeout(timer);
    const quiet = touched.size >= CHECKOUT_FILES ? QUIET_AFTER_CHECKOUT_MS : QUIET_MS;
    timer = setTimeout(flush, removed ? Math.max(quiet, QUIET_AFTER_REMOVAL_MS) : quiet);
  };
  const watcher = watch([paths.dbtProject, paths.fixtures, paths.data, paths.profiles], {
    ignoreInitial: true,
    atomic: false,
    ignored: (path) => isNoise(path, paths),
  });
  watcher.on('add', (file) => touch(file, false));
  watcher.on('change', (file) => touch(file, false));
  watcher.on('unlink', (file) => touch(file, true));
  // Chokidar compares a file with what it saw last, and looks for it anew after a rename: of two saves in quick
  // succession it may tell one. The system's own events miss none, and whether a content is new is decided later.
  watcher.on('raw', (_, name, details) => {
    const file = placeOf(name, details);
    if (file !== undefined && !isNoise(file, paths)) touch(file, !existsSync(file));
  });
  return {
    ready: new Promise((resolve) => watcher.once('ready', () => resolve(filesOf(watcher)))),
    close: async () => {
      clearTimeout(timer);
      await watcher.close();
    },
  };
}

const rawDetails = z.object({ watchedPath: z.string() });

/** The file that an event of the system is about; undefined where it is about a folder. */
function placeOf(name: string | null, details: unknown): string | undefined {
  const watched = rawDetails.safeParse(details);
  if (!watched.success || !name) return undefined;
  const { watchedPath } = watched.data;
  // Files are watched too, and then the name is their own.
  const path = basename(watchedPath) === name && !isFolder(watchedPath) ? watchedPath : join(watchedPath, name);
  return isFolder(path) ? undefined : path;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function filesOf(watcher: FSWatcher): string[] {
  return Object.entries(watcher.getWatched()).flatMap(([folder, names]) =>
    names.map((name) => join(folder, name)).filter((path) => !isFolder(path)),
  );
}

/** Whether a path is nothing that people wrote: editors' swap files, dbt's output, folders of tools. */
export function isNoise(path: string, paths: Pick<Paths, 'root' | 'state'>): boolean {
  if (path === paths.state || path.startsWith(paths.state + sep)) return true;
  const inside = relative(paths.root, path);
  return NOISE.test(inside.startsWith('..') ? path : join(sep, inside));
}
