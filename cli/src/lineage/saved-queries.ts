import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { hasCode } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';

export interface SavedQuery {
  /** The file, relative to the project's root. */
  readonly name: string;
  readonly sql: string;
}

/** The SQL files in the folder of saved queries, in order of their names. */
export async function savedQueries({ root, queries }: Pick<Paths, 'root' | 'queries'>): Promise<SavedQuery[]> {
  const files = await readdir(queries, { recursive: true }).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  });
  const paths = files.filter((file) => file.endsWith('.sql')).sort();
  return Promise.all(
    paths.map(async (file) => {
      const path = join(queries, file);
      return { name: relative(root, path).split(sep).join('/'), sql: await readFile(path, 'utf8') };
    }),
  );
}
