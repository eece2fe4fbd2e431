import { join, relative, sep } from 'node:path';
import { watch } from 'chokidar';
import type { Paths } from '../config/paths.ts';

/** How long it has to be quiet before what was saved counts as one change (milliseconds). */
const QUIET_MS = 15;
/** Some editors remove a file and write it anew: only what stays away this long is believed to be deleted. */
const QUIET_AFTER_REMOVAL_MS = 80;

/** What editors, dbt and Python leave beside the files that people write. */
const NOISE =
  /(^|[\\/])(target|logs|dbt_packages|node_modules|\.git|\.idea|\.vscode|__pycache__|\.DS_Store|\.user\.yml|4913|\.#[^\\/]*|#[^\\/]*#)$|(~|\.sw[a-z]|\.tmp|\.temp|\.bak|\.orig|\.crswap|___jb_(tmp|old)___)$/;

export interface Watcher {
  /** Resolves once every folder is being watched. */
  readonly ready: Promise<void>;
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
    timer = setTimeout(flush, removed ? QUIET_AFTER_REMOVAL_MS : QUIET_MS);
  };
  const watcher = watch([paths.dbtProject, paths.fixtures, paths.data, paths.profiles], {
    ignoreInitial: true,
    atomic: false,
    ignored: (path) => isNoise(path, paths),
  });
  watcher.on('add', (file) => touch(file, false));
  watcher.on('change', (file) => touch(file, false));
  watcher.on('unlink', (file) => touch(file, true));
  return {
    ready: new Promise((resolve) => watcher.once('ready', resolve)),
    close: async () => {
      clearTimeout(timer);
      await watcher.close();
    },
  };
}

/** Whether a path is nothing that people wrote: editors' swap files, dbt's output, folders of tools. */
export function isNoise(path: string, paths: Pick<Paths, 'root' | 'state'>): boolean {
  if (path === paths.state || path.startsWith(paths.state + sep)) return true;
  const inside = relative(paths.root, path);
  return NOISE.test(inside.startsWith('..') ? path : join(sep, inside));
}
