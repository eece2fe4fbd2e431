import { createHash } from 'node:crypto';
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

/** Calls back when data or pages change. @returns a function that stops this. */
export function watchSite(paths: Paths, onChange: (change: Change) => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  let before: Readonly<Record<Change, string>> | undefined;
  const look = async (): Promise<void> => {
    const now = { data: await dataState(paths), pages: await pagesState(paths) };
    if (isStopped) return;
    const [was, is] = [before, now];
    before = now;
    if (was !== undefined) {
      if (was.pages !== is.pages) onChange('pages');
      else if (was.data !== is.data) onChange('data');
    }
    timer = setTimeout(() => void look(), INTERVAL_MS);
  };
  void look();
  return () => {
    isStopped = true;
    clearTimeout(timer);
  };
}

/** Each publication is another file. */
const dataState = async (paths: Paths): Promise<string> =>
  (await Promise.all([paths.database, buildLogFile(paths)].map(stampOf))).join();

async function pagesState(paths: Paths): Promise<string> {
  const folder = pagesFolder(paths);
  const names = await readdir(folder).catch(() => []);
  const files = [
    ...names.filter((name) => name.endsWith('.md')).map((name) => join(folder, name)),
    join(paths.root, SETTINGS_FILE),
  ];
  const stamps = await Promise.all(files.map(stampOf));
  return createHash('sha256')
    .update(JSON.stringify([files, stamps]))
    .digest('hex');
}

async function stampOf(file: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(file);
    return `${ino}:${size}:${mtimeMs}`;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return '';
    throw error;
  }
}
