import { basename, dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { hasCode, messageOf } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import { isIgnored, isWithin, type ProjectFolders, projectFolders, projectRoots } from '../engine/project-files.ts';
import { FileTree, isFolder, statOf } from './file-tree.ts';
import { type FolderEvents, type FolderListener, listenTo } from './folder-events.ts';
import { GitLock } from './git-lock.ts';

/** How long the folders have to be quiet before events are reported as one change (milliseconds). */
const QUIET_MS = 15;
/** Some editors delete a file and write it again, so a file only counts as deleted after this time. */
const QUIET_AFTER_REMOVAL_MS = 80;
/** This many files at once are not saved by hand but by a checkout, which may take longer. */
const CHECKOUT_FILES = 4;
const QUIET_AFTER_CHECKOUT_MS = 80;
/** A change is reported after this time at the latest, even if the folders stay busy or git holds its lock. */
const LONGEST_WAIT_MS = 2000;
/** How often all folders are scanned for changes that the events missed; the second figure applies if there are no events. */
const SWEEP_MS = 2000;
const SWEEP_WITHOUT_EVENTS_MS = 500;
/** The pause between two sweeps is at least this many times the duration of one. */
const SWEEP_SHARE = 50;
/** How many paths are remembered with whether they are ignored. */
const MOST_KNOWN_PATHS = 50_000;

export interface Watcher {
  /** All watched files at the start. */
  readonly files: readonly string[];
  /** Watches further folders: those that dbt resolved from expressions in dbt_project.yml. */
  alsoWatch(folders: readonly string[]): void;
  close(): void;
}

export interface WatcherEffects {
  /** Called with a sentence if changes will be noticed late. */
  readonly onTrouble: (sentence: string) => void;
  /** Listens to a folder: `listenTo`, except in tests. */
  readonly watchFolder?: (folder: string, listener: FolderListener) => FolderEvents;
}

/**
 * Watches everything that a build depends on and reports changes in batches: all files that were touched until the folders
 * were quiet for a moment, whether by one save or a git checkout of a hundred files. Paths are absolute.
 *
 * The system's events only say when and where to look; changes are found by comparing folders with their last scan. So it
 * doesn't matter if events arrive late, twice, out of order, or not at all, as happens when folders are deleted and recreated.
 * A file that an event named is reported even if it looks unchanged: the loop compares its content.
 */
export function watchProject(paths: Paths, onChange: (files: string[]) => void, effects: WatcherEffects): Watcher {
  const watcher = new ProjectWatcher(paths, onChange, effects);
  return {
    files: watcher.files,
    alsoWatch: (folders) => watcher.alsoWatch(folders),
    close: () => watcher.close(),
  };
}

class ProjectWatcher {
  readonly files: readonly string[];
  readonly #paths: Paths;
  readonly #onChange: (files: string[]) => void;
  readonly #effects: WatcherEffects;
  readonly #tree: FileTree;
  readonly #git: GitLock;
  readonly #events = new Map<string, FolderEvents>();
  #folders: ProjectFolders;
  /** Which paths are ignored, since each sweep asks about all of them. It depends on nothing but the folders. */
  readonly #ignored = new Map<string, boolean>();
  #roots: readonly string[] = [];
  #saidByDbt: readonly string[] = [];
  /** Files that events named, files that a sweep found, and folders to scan. */
  #named = new Set<string>();
  #found = new Set<string>();
  #dirty = new Set<string>();
  #removed = false;
  /** A folder was just added, so files may have been written to it before its events started. */
  #added = false;
  #since: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sweep: NodeJS.Timeout | undefined;
  #hasEvents = true;
  #closed = false;

  constructor(paths: Paths, onChange: (files: string[]) => void, effects: WatcherEffects) {
    this.#paths = paths;
    this.#onChange = onChange;
    this.#effects = effects;
    this.#folders = projectFolders(paths);
    this.#git = new GitLock(paths.root);
    this.#tree = new FileTree({
      isIgnored: (path) => this.#isIgnored(path),
      followsLink: (path) => isWithin(path, paths.data),
      onFolder: (path, state) => (state === 'new' ? this.#listen(path) : this.#stopListening(path)),
    });
    this.#findRoots();
    this.#tree.look(this.#roots, { deep: true });
    this.files = this.#tree.files();
    this.#sweepLater(SWEEP_MS);
  }

  alsoWatch(folders: readonly string[]): void {
    if (this.#closed || folders.every((folder) => this.#roots.includes(folder))) return;
    this.#saidByDbt = folders;
    this.#findRoots();
    this.#tree.look(this.#roots, { deep: true });
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#sweep);
    for (const path of [...this.#events.keys()]) this.#stopListening(path);
  }

  /**
   * Finds the folders to watch, which may change with dbt_project.yml. Their parents are watched to notice when they are
   * recreated.
   */
  #findRoots(): void {
    const { data, schemas } = this.#paths;
    const found = projectFolders(this.#paths);
    this.#folders = { ...found, searched: [...new Set([...found.searched, ...this.#saidByDbt])] };
    this.#ignored.clear();
    const roots = [
      ...new Set([...projectRoots(this.#paths, this.#folders), data, ...(isWithin(schemas, data) ? [] : [schemas])]),
    ];
    for (const root of this.#roots) if (!roots.includes(root)) this.#tree.forget(root);
    this.#roots = roots;
    for (const parent of new Set(roots.map((root) => dirname(root))))
      if (!this.#events.has(parent)) this.#listen(parent);
  }

  #isIgnored(path: string): boolean {
    const known = this.#ignored.get(path);
    if (known !== undefined) return known;
    // Editors' temporary files have ever new names.
    if (this.#ignored.size >= MOST_KNOWN_PATHS) this.#ignored.clear();
    const ignored = isIgnored(path, this.#paths, this.#folders);
    this.#ignored.set(path, ignored);
    return ignored;
  }

  #listen(folder: string): void {
    this.#stopListening(folder);
    if (this.#closed) return;
    const watch = this.#effects.watchFolder ?? listenTo;
    const events = watch(folder, {
      onEvent: (name) => this.#event(folder, name),
      onReady: () => this.#lookAgain(folder),
      onError: (error) => this.#lost(folder, error),
    });
    this.#events.set(folder, events);
  }

  /** Scans a folder for changes from before the system began to report events. */
  #lookAgain(folder: string): void {
    if (this.#closed || !this.#tree.hasFolder(folder)) return;
    this.#dirty.add(folder);
    this.#added = true;
    this.#wait();
  }

  /** Handles the end of a folder's events. If it is gone or unreadable, the next sweep notices. */
  #lost(folder: string, error: unknown): void {
    if (this.#closed) return;
    if (hasCode(error, 'ENOSPC', 'EMFILE', 'ENFILE')) this.#goWithoutEvents(error);
    else this.#event(folder, null);
  }

  #stopListening(folder: string): void {
    this.#events.get(folder)?.close();
    this.#events.delete(folder);
  }

  #goWithoutEvents(error: unknown): void {
    if (!this.#hasEvents) return;
    this.#hasEvents = false;
    this.#effects.onTrouble(
      `The system can't watch more files (${messageOf(error)}), so meetup checks for changes every half second: raise fs.inotify.max_user_watches, or stop other programs that watch files, and start again.`,
    );
    this.#sweepLater(SWEEP_WITHOUT_EVENTS_MS);
  }

  #event(folder: string, name: string | null): void {
    if (this.#closed) return;
    const path = name === null ? folder : join(folder, name);
    if (!this.#tree.hasFolder(folder)) {
      // The parent of a watched folder: nothing else in it matters.
      const roots = this.#roots.filter((root) => dirname(root) === folder && (name === null || root === path));
      for (const root of roots) this.#dirty.add(root);
      if (roots.length > 0) this.#wait();
      return;
    }
    if (name !== null && this.#isIgnored(path)) return;
    // The last event of a deleted folder has its own name.
    if (name === null || (name === basename(folder) && statOf(path) === undefined)) this.#stopListening(folder);
    this.#dirty.add(folder);
    if (name !== null) this.#named.add(path);
    this.#removed ||= statOf(path) === undefined;
    this.#wait();
  }

  #wait(): void {
    const now = performance.now();
    this.#since ??= now;
    const isCheckout = this.#added || this.#named.size + this.#found.size >= CHECKOUT_FILES;
    const many = isCheckout ? QUIET_AFTER_CHECKOUT_MS : QUIET_MS;
    const quiet = this.#removed ? Math.max(many, QUIET_AFTER_REMOVAL_MS) : many;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#flush(), Math.max(0, Math.min(quiet, this.#since + LONGEST_WAIT_MS - now)));
  }

  #flush(): void {
    const waited = performance.now() - (this.#since ?? 0);
    if (waited < LONGEST_WAIT_MS && this.#git.isHeld()) {
      this.#timer = setTimeout(() => this.#flush(), QUIET_MS);
      return;
    }
    const [named, found, dirty] = [this.#named, this.#found, this.#dirty];
    this.#named = new Set();
    this.#found = new Set();
    this.#dirty = new Set();
    this.#removed = false;
    this.#added = false;
    this.#since = undefined;
    // Files that were created and deleted since the last scan, such as editors' temporary files, are not changes.
    const existing = [...named].filter(
      (file) => this.#tree.has(file) || (statOf(file) !== undefined && !isFolder(file)),
    );
    const roots = this.#roots.filter((root) => dirty.has(dirname(root)));
    const touched = this.#tree.look([...[...dirty].map((folder) => this.#reachable(folder)), ...roots], {
      deep: false,
    });
    for (const file of [...existing, ...found, ...this.#listenAgain()]) touched.add(file);
    for (const file of this.#findNewRoots(touched)) touched.add(file);
    if (touched.size > 0) this.#onChange([...touched].sort());
  }

  /** Listens to folders whose events ended because they were recreated. @returns the changed files in them. */
  #listenAgain(): Set<string> {
    if (!this.#hasEvents) return new Set();
    const unheard = this.#tree.folders().filter((folder) => !this.#events.has(folder));
    for (const folder of unheard) this.#listen(folder);
    return this.#tree.look(unheard, { deep: false });
  }

  /** The folder itself or, if it is gone, its nearest existing ancestor that is watched. */
  #reachable(folder: string): string {
    let path = folder;
    while (!isFolder(path) && !this.#roots.includes(path) && this.#tree.hasFolder(dirname(path))) path = dirname(path);
    return path;
  }

  #findNewRoots(touched: ReadonlySet<string>): Set<string> {
    const isSettings = (file: string): boolean =>
      basename(file) === 'dbt_project.yml' || isWithin(file, this.#folders.packages);
    if (![...touched].some(isSettings)) return new Set();
    this.#findRoots();
    return this.#tree.look(this.#roots, { deep: true });
  }

  #sweepLater(ms: number): void {
    clearTimeout(this.#sweep);
    this.#sweep = setTimeout(() => this.#sweepNow(), ms);
  }

  #sweepNow(): void {
    const started = performance.now();
    // If a change is pending, a scan is about to follow anyway.
    if (this.#since === undefined) {
      for (const parent of new Set(this.#roots.map((root) => dirname(root))))
        if (!this.#events.has(parent)) this.#listen(parent);
      const changed = this.#tree.look(this.#roots, { deep: true });
      for (const file of [...changed, ...this.#listenAgain()]) this.#found.add(file);
      if (this.#found.size > 0) this.#wait();
    }
    const took = performance.now() - started;
    this.#sweepLater(Math.max(this.#hasEvents ? SWEEP_MS : SWEEP_WITHOUT_EVENTS_MS, took * SWEEP_SHARE));
  }
}
