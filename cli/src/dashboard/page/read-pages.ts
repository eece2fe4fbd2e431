import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, MeetupError } from '../../config/errors.ts';
import { fileProblem } from '../../config/file-errors.ts';
import { parsePage } from './parse.ts';
import type { Page } from './types.ts';

/** Addresses that the dashboard itself uses. */
const RESERVED = new Set(['index', 'data', 'assets', 'events']);

/**
 * Reads the pages in a folder, in the order of the menu.
 * @throws MeetupError if there is none, or one is wrong.
 */
export async function readPages(folder: string): Promise<readonly Page[]> {
  const names = await namesIn(folder);
  if (names.length === 0) {
    throw new MeetupError(
      `There is no page in ${folder}: write one as docs/dashboard.md describes, or let \`./meetup init\` write a first one.`,
    );
  }
  const pages = await Promise.all(names.map((name) => readPage(join(folder, name))));
  return pages.sort((a, b) => a.order - b.order || (a.title < b.title ? -1 : 1));
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder))
      .filter((name) => /^[^.].*\.md$/.test(name) && name.toLowerCase() !== 'readme.md')
      .sort();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw fileProblem(error, folder);
  }
}

async function readPage(file: string): Promise<Page> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw fileProblem(error, file);
  }
  const page = parsePage(text, file);
  if (!/^[a-z0-9][a-z0-9_-]*$/.test(page.id) || RESERVED.has(page.id)) {
    throw new MeetupError(`${file}: the name of the file is the page's address: use small letters, digits, - and _.`);
  }
  return page;
}
