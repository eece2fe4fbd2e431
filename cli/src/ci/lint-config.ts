import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { writeAtomically } from '../config/atomic-file.ts';
import { type Paths, sourceFolder } from '../config/paths.ts';

const projectSchema = z.looseObject({
  'macro-paths': z.array(z.string()).default(['macros']),
  'packages-install-path': z.string().default('dbt_packages'),
});

/**
 * Writes a configuration for sqlfluff in addition to the project's own `.sqlfluff`: the files of all macros that models can
 * call, including those of packages and of dbt, and the variables that dbt provides in templates.
 * @returns the path of the file.
 */
export async function writeLintConfig(paths: Paths): Promise<string> {
  const file = join(paths.state, 'lint', 'sqlfluff.cfg');
  await mkdir(dirname(file), { recursive: true });
  const library = join(sourceFolder, 'ci', 'sqlfluff_library');
  const folders = [...(await dbtMacros(paths)), ...(await projectMacros(paths))];
  await writeAtomically(
    file,
    [
      '[sqlfluff:templater:jinja]',
      'apply_dbt_builtins = true',
      `load_macros_from_path = ${folders.join(',')}`,
      // External materializations: models don't call them, and they use tags that sqlfluff doesn't have.
      `exclude_macros_from_path = ${folders
        .filter((folder) => folder.endsWith(join('duckdb', 'macros', 'utils')))
        .map((folder) => join(folder, 'upstream.sql'))
        .join(',')}`,
      `library_path = ${library}`,
      '',
    ].join('\n'),
  );
  return file;
}

/** The project's own macros come last, so that they override others with the same name. */
async function projectMacros(paths: Paths): Promise<string[]> {
  const document: unknown = parse(await readFile(join(paths.dbtProject, 'dbt_project.yml'), 'utf8'));
  const project = projectSchema.safeParse(document ?? {}).data ?? projectSchema.parse({});
  const packages = join(paths.dbtProject, project['packages-install-path']);
  const installed = existsSync(packages) ? await readdir(packages) : [];
  return [
    ...installed.map((name) => join(packages, name, 'macros')),
    ...project['macro-paths'].map((path) => join(paths.dbtProject, path)),
  ].filter((folder) => existsSync(folder));
}

/** Macros that dbt itself dispatches: `dbt.dateadd`, `dbt.safe_cast`. */
async function dbtMacros(paths: Paths): Promise<string[]> {
  const environment = dirname(dirname(paths.python));
  const lib = join(environment, process.platform === 'win32' ? 'Lib' : 'lib');
  if (!existsSync(lib)) return [];
  const python = process.platform === 'win32' ? '.' : (await readdir(lib)).find((name) => name.startsWith('python3'));
  const include = join(lib, python ?? '.', 'site-packages', 'dbt', 'include');
  return ['global_project', 'duckdb']
    .map((adapter) => join(include, adapter, 'macros', 'utils'))
    .filter((folder) => existsSync(folder));
}
