import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { MeetupError, messageOf } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import { wrongSetting } from '../config/project/read-settings.ts';
import { confine } from '../warehouse/confine.ts';
import { type DuckDbWarehouse, openPublished } from '../warehouse/duckdb.ts';
import type { QueryResult } from '../warehouse/warehouse.ts';

/** What meetup.yml configures to be shown after marts are built. */
export interface MartsSummary {
  /** One sentence each. */
  readonly warnings: readonly string[];
  readonly shown: readonly Shown[];
}

/** The result of one of the SQL files. */
export interface Shown extends QueryResult {
  /** The path in meetup.yml. */
  readonly file: string;
  /** The comment in its first line, or else its name. */
  readonly title: string;
}

/**
 * Runs the SQL files that meetup.yml names on the published database.
 * @returns undefined if it names none.
 * @throws MeetupError with the line in meetup.yml if a file can't be run.
 */
export async function summarizeMarts({ settings, ...paths }: Paths): Promise<MartsSummary | undefined> {
  const { show = [], warn = [] } = settings.dev ?? {};
  if (show.length + warn.length === 0) return undefined;
  const published = await openPublished({ ...paths, settings });
  try {
    await confine(published, settings.public ?? []);
    const run = (key: 'show' | 'warn', files: readonly string[]) =>
      files.map((file, at) => () => resultOf(published, paths.root, file, ['dev', key, at]));
    const warnings = await inTurn(run('warn', warn));
    return {
      warnings: warnings.flatMap(({ rows }) => rows.map(([text]) => String(text))),
      shown: await inTurn(run('show', show)),
    };
  } finally {
    await published.close();
  }
}

async function inTurn<T>(works: readonly (() => Promise<T>)[]): Promise<T[]> {
  const results: T[] = [];
  for (const work of works) results.push(await work());
  return results;
}

async function resultOf(
  warehouse: DuckDbWarehouse,
  root: string,
  file: string,
  key: readonly (string | number)[],
): Promise<Shown> {
  try {
    const sql = await readFile(resolve(root, file), 'utf8');
    const title = /^\s*--\s*(.+)/.exec(sql)?.[1]?.trim() ?? basename(file, '.sql');
    const { columns, rows } = await warehouse.query(sql);
    return { file, title, columns, rows };
  } catch (error) {
    if (error instanceof MeetupError) throw error;
    const why = messageOf(error).split('\n')[0]?.replace(/\.$/, '') ?? '';
    throw wrongSetting(root, key, `${file} can't be shown: ${why}.`);
  }
}
