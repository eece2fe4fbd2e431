import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { hasCode } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import { readPages } from '../dashboard/page/read-pages.ts';
import type { Page } from '../dashboard/page/types.ts';
import { pagesFolder } from '../dashboard/site/site.ts';

export interface SavedQuery {
  /** The file, relative to the project's root; for a page of the dashboard, with the query's name. */
  readonly name: string;
  readonly sql: string;
  /** The charts, tables and numbers of the dashboard that show it, as `page: title`. */
  readonly figures?: readonly string[];
}

/** All SQL outside the dbt project that reads its models: saved queries, and the queries of the dashboard's pages. */
export async function allQueries(paths: Paths): Promise<SavedQuery[]> {
  return [...(await savedQueries(paths)), ...(await dashboardQueries(paths))];
}

/** The queries of the dashboard, by page and name. */
async function dashboardQueries(paths: Paths): Promise<SavedQuery[]> {
  const folder = pagesFolder(paths);
  if (!existsSync(folder)) return [];
  const pages = await readPages(folder);
  return pages.flatMap((page) =>
    page.queries.map(({ name, sql }) => ({
      name: `${relativeTo(paths.root, page.file)} (${name})`,
      sql,
      figures: figuresOf(page, name),
    })),
  );
}

function figuresOf({ title, blocks }: Page, query: string): string[] {
  const shown = blocks.flatMap((block) => (block.block === 'component' ? [block.component] : []));
  return shown.filter((component) => component.query === query).map((component) => `${title}: ${component.title}`);
}

/** The SQL files in the folder of saved queries, in order of their names. */
async function savedQueries({ root, queries }: Paths): Promise<SavedQuery[]> {
  const files = await readdir(queries, { recursive: true }).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  });
  const paths = files.filter((file) => file.endsWith('.sql')).sort();
  return Promise.all(
    paths.map(async (file) => {
      const path = join(queries, file);
      return { name: relativeTo(root, path), sql: await readFile(path, 'utf8') };
    }),
  );
}

const relativeTo = (root: string, path: string): string => relative(root, path).split(sep).join('/');
