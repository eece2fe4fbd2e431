import { createHash, randomUUID } from 'node:crypto';
import { type Dirent, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Paths } from '../config/paths.ts';
import { contentOf, isIgnored, isWithin, type ProjectFolders, projectFolders, projectRoots } from './project-files.ts';

/**
 * One hash over every file that can change what a build makes: models, macros, tests, fixtures, profiles, packages. Where
 * that can't be known without dbt, the hash is another one each time.
 */
export async function projectFingerprint(paths: Paths): Promise<string> {
  const folders = projectFolders(paths);
  if (!folders.certain) return randomUUID();
  const roots = projectRoots({ ...paths, fixtures: join(paths.fixtures, 'models') }, folders);
  const files = new Set(roots.flatMap((root) => filesBelow(root, paths, folders)));
  const hash = createHash('sha256');
  for (const file of [...files].sort()) hash.update(`${relative(paths.root, file)}\0${contentOf(file)}\0`);
  return hash.digest('hex');
}

/** Like dbt, which does not follow links to folders below those that it searches. */
function filesBelow(folder: string, paths: Paths, folders: ProjectFolders): string[] {
  return entriesOf(folder).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (isIgnored(path, paths, folders) || isRaw(path, paths)) return [];
    return entry.isDirectory() ? filesBelow(path, paths, folders) : [path];
  });
}

/** Data is compared by its batches, unless dbt reads it. */
const isRaw = (path: string, paths: Paths): boolean =>
  isWithin(path, paths.data) && /\.(jsonl?|ndjson)(\.gz)?$/i.test(path);

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    // It is no folder, or can't be listed: then dbt is asked, and says so.
    return [];
  }
}
