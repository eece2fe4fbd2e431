import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../../config/errors.ts';
import type { Paths } from '../../config/paths.ts';
import { SETTINGS_FILE } from '../../config/project/settings.ts';
import { buildLogFile } from '../../engine/build-log.ts';
import { pagesFolder } from './site.ts';

/** How often the files are looked at (milliseconds): a few calls of stat, so this needs no events, which can be lost. */
const INTERVAL_MS = 150;

/** What changed: the published data, or the pages themselves. */
export type Change = 'data' | 'pages';

/** The states of files, by path. */
type Stamps = ReadonlyMap<string, string>;

interface Seen {
  readonly data: string;
  /** The pages and the settings. */
  readonly pages: string;
  /** Files of SQL that pages name; which ones is only known once a page has been read. */
  readonly sql: Stamps;
}

/**
 * Calls back when data or pages differ from what they are when this resolves.
 * @param sqlFiles the files of SQL that the pages name, as far as it is known.
 * @returns a function that stops this.
 */
export async function watchSite(
  paths: Paths,
  sqlFiles: () => readonly string[],
  onChange: (change: Change) => void,
): Promise<() => void> {
  let before = await look(paths, sqlFiles());
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  const next = async (): Promise<void> => {
    const now = await look(paths, sqlFiles());
    if (isStopped) return;
    const change = changeOf(before, now);
    before = now;
    if (change !== undefined) onChange(change);
    timer = setTimeout(() => void next(), INTERVAL_MS);
  };
  timer = setTimeout(() => void next(), INTERVAL_MS);
  return () => {
    isStopped = true;
    clearTimeout(timer);
  };
}

const look = async (paths: Paths, sqlFiles: readonly string[]): Promise<Seen> => ({
  data: await stateOf([paths.database, buildLogFile(paths)]),
  pages: await stateOf(await pageFiles(paths)),
  sql: await stampsOf(sqlFiles),
});

function changeOf(before: Seen, now: Seen): Change | undefined {
  const isEdited = [...now.sql].some(([file, stamp]) => before.sql.has(file) && before.sql.get(file) !== stamp);
  if (isEdited || before.pages !== now.pages) return 'pages';
  return before.data === now.data ? undefined : 'data';
}

async function pageFiles(paths: Paths): Promise<readonly string[]> {
  const folder = pagesFolder(paths);
  const names = await readdir(folder).catch(() => []);
  const pages = names.filter((name) => name.endsWith('.md')).map((name) => join(folder, name));
  return [...pages, join(paths.root, SETTINGS_FILE)];
}

async function stampsOf(files: readonly string[]): Promise<Stamps> {
  return new Map(await Promise.all(files.map(async (file) => [file, await stampOf(file)] as const)));
}

const stateOf = async (files: readonly string[]): Promise<string> => JSON.stringify([...(await stampsOf(files))]);

/** A replaced file is another one: each publication is. */
async function stampOf(file: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(file);
    return `${ino}:${size}:${mtimeMs}`;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return '';
    throw error;
  }
}
