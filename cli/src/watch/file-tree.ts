import { type Dirent, readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { hasCode } from '../config/errors.ts';
import { isWithin } from '../engine/project-files.ts';

/** A folder's state at the last scan. */
interface Folder {
  /** Identifies the folder: one that is deleted and recreated has another id. */
  readonly id: string;
  /** Stamps by file name; a file with an equal stamp is unchanged. */
  readonly files: ReadonlyMap<string, string>;
  readonly folders: ReadonlySet<string>;
  /** The real paths of this folder and of those that lead to it by links, so that cyclic links aren't followed. */
  readonly trail: readonly string[];
}

export interface FileTreeOptions {
  readonly isIgnored: (path: string) => boolean;
  /** Whether to follow a link to a folder. dbt follows none below the folders that it searches. */
  readonly followsLink: (path: string) => boolean;
  /** Called before a new or recreated folder is listed, and after one is gone. */
  readonly onFolder: (path: string, state: 'new' | 'gone') => void;
}

/**
 * All files below some folders, as of the last scan. A scan never throws and opens no file: folders that can't be listed and
 * entries that aren't regular files are noticed like any other change, and reported by whoever reads them.
 */
export class FileTree {
  readonly #options: FileTreeOptions;
  readonly #folders = new Map<string, Folder>();

  constructor(options: FileTreeOptions) {
    this.#options = options;
  }

  files(): string[] {
    return [...this.#folders].flatMap(([folder, { files }]) => [...files.keys()].map((name) => join(folder, name)));
  }

  folders(): string[] {
    return [...this.#folders.keys()];
  }

  has(file: string): boolean {
    return this.#folders.get(dirname(file))?.files.has(basename(file)) ?? false;
  }

  hasFolder(path: string): boolean {
    return this.#folders.has(path);
  }

  /** Scans some folders. @returns the files that have changed, and folders that can no longer be listed. */
  look(folders: Iterable<string>, { deep }: { deep: boolean }): Set<string> {
    const touched = new Set<string>();
    const seen = new Set<string>();
    for (const folder of folders) this.#look(folder, [], deep, touched, seen);
    return touched;
  }

  /** Forgets a folder and everything below it. */
  forget(folder: string): void {
    this.#forget(folder, new Set());
  }

  #look(path: string, trail: readonly string[], deep: boolean, touched: Set<string>, seen: Set<string>): void {
    if (seen.has(path)) return;
    seen.add(path);
    const known = this.#folders.get(path);
    const id = identityOf(path);
    if (id === undefined) {
      this.#forget(path, touched);
      return;
    }
    const isNew = known?.id !== id;
    if (isNew) this.#options.onFolder(path, 'new');
    const entries = list(path);
    if (entries === undefined) {
      if (known === undefined || known.files.size + known.folders.size > 0) touched.add(path);
      for (const file of this.#below(path)) touched.add(file);
      this.#remember(path, { id, files: new Map(), folders: new Set(), trail: known?.trail ?? trail }, touched);
      return;
    }
    const now = this.#read(path, id, entries, known?.trail ?? [...trail, realPathOf(path)]);
    for (const [name, signature] of now.files) if (known?.files.get(name) !== signature) touched.add(join(path, name));
    for (const name of known?.files.keys() ?? []) if (!now.files.has(name)) touched.add(join(path, name));
    this.#remember(path, now, touched);
    for (const name of now.folders) {
      const below = join(path, name);
      if (deep || isNew || this.#folders.get(below)?.id !== identityOf(below))
        this.#look(below, now.trail, deep || isNew, touched, seen);
    }
  }

  #read(path: string, id: string, entries: readonly Dirent[], trail: readonly string[]): Folder {
    const files = new Map<string, string>();
    const folders = new Set<string>();
    for (const entry of entries) {
      const child = join(path, entry.name);
      if (this.#options.isIgnored(child)) continue;
      if (entry.isDirectory() || (entry.isSymbolicLink() && this.#leadsOn(child, trail))) folders.add(entry.name);
      else files.set(entry.name, signatureOf(child));
    }
    return { id, files, folders, trail };
  }

  #leadsOn(link: string, trail: readonly string[]): boolean {
    if (!this.#options.followsLink(link) || !isFolder(link)) return false;
    const target = realPathOf(link);
    return !trail.some((place) => isWithin(place, target));
  }

  #remember(path: string, folder: Folder, touched: Set<string>): void {
    const before = this.#folders.get(path);
    this.#folders.set(path, folder);
    for (const name of before?.folders ?? []) if (!folder.folders.has(name)) this.#forget(join(path, name), touched);
  }

  #forget(path: string, touched: Set<string>): void {
    const folder = this.#folders.get(path);
    if (folder === undefined) return;
    this.#folders.delete(path);
    this.#options.onFolder(path, 'gone');
    for (const name of folder.files.keys()) touched.add(join(path, name));
    for (const name of folder.folders) this.#forget(join(path, name), touched);
  }

  #below(path: string): string[] {
    return [...(this.#folders.get(path)?.files.keys() ?? [])].map((name) => join(path, name));
  }
}

/** A folder's entries; undefined if it can't be listed. One that has just been deleted is empty now and gone at the next scan. */
function list(folder: string): Dirent[] | undefined {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    return hasCode(error, 'ENOENT', 'ENOTDIR') ? [] : undefined;
  }
}

/** Stats with links followed; undefined if nothing is there or it can't be examined. */
export function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

export const isFolder = (path: string): boolean => statOf(path)?.isDirectory() ?? false;

function identityOf(folder: string): string | undefined {
  const stats = statOf(folder);
  // A file system may reuse the inode number of a deleted folder.
  return stats?.isDirectory() ? `${stats.dev}:${stats.ino}:${stats.birthtimeMs}` : undefined;
}

function signatureOf(file: string): string {
  const stats = statOf(file);
  // A link to a folder that isn't followed: changes inside that folder don't count.
  if (stats?.isDirectory()) return `folder:${stats.dev}:${stats.ino}`;
  return stats === undefined ? 'unknown' : `${stats.mode}:${stats.ino}:${stats.size}:${stats.mtimeMs}:${stats.ctimeMs}`;
}

function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
