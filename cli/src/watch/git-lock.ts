import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { statOf } from './file-tree.ts';

/** A lock older than this (milliseconds) was left behind by a killed git. */
const STALE_MS = 10_000;

/** git's lock on the index of the folder's work tree: while git holds it, files are between two states. */
export class GitLock {
  readonly #file: string | undefined;

  constructor(folder: string) {
    const gitFolder = gitFolderOf(folder);
    this.#file = gitFolder === undefined ? undefined : join(gitFolder, 'index.lock');
  }

  isHeld(): boolean {
    const stats = this.#file === undefined ? undefined : statOf(this.#file);
    return stats !== undefined && Date.now() - stats.mtimeMs < STALE_MS;
  }
}

function gitFolderOf(folder: string): string | undefined {
  const here = join(folder, '.git');
  const stats = statOf(here);
  if (stats?.isDirectory()) return here;
  // In a linked work tree, `.git` is a file with the path of the folder.
  if (stats?.isFile()) return linkedGitFolder(here);
  return dirname(folder) === folder ? undefined : gitFolderOf(dirname(folder));
}

function linkedGitFolder(file: string): string | undefined {
  try {
    const [, folder] = /^gitdir: (.+)$/m.exec(readFileSync(file, 'utf8')) ?? [];
    return folder === undefined ? undefined : resolve(dirname(file), folder);
  } catch {
    return undefined;
  }
}
