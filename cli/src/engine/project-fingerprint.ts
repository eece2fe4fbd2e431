import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { hasCode } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';

/** What dbt makes in the project's own folder, when somebody runs it by hand. */
const MADE_BY_DBT = new Set(['target', 'logs', 'dbt_packages', '.user.yml']);

/** One hash over every file that can change what a build makes: models, macros, tests, fixtures, profiles. */
export async function projectFingerprint(paths: Paths): Promise<string> {
  const roots = [paths.dbtProject, join(paths.fixtures, 'models'), paths.profiles];
  const files = (await Promise.all(roots.map(filesBelow))).flat().sort();
  const contents = await Promise.all(files.map((file) => readFile(file)));
  const hash = createHash('sha256');
  files.forEach((file, i) => {
    const content = contents[i] ?? Buffer.alloc(0);
    hash.update(`${relative(paths.root, file)}\0${content.length}\0`).update(content);
  });
  return hash.digest('hex');
}

async function filesBelow(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const nested = entries
      .filter((entry) => !MADE_BY_DBT.has(entry.name))
      .map((entry) => (entry.isDirectory() ? filesBelow(join(folder, entry.name)) : [join(folder, entry.name)]));
    return (await Promise.all(nested)).flat();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}
