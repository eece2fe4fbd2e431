import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeAtomically } from '../../config/atomic-file.ts';
import { MeetupError } from '../../config/errors.ts';
import type { Paths } from '../../config/paths.ts';
import { rawTablesOf } from '../../ingest/raw-tables.ts';
import { readContracts } from '../../ingest/schemas.ts';
import { landingFiles } from '../../landing/files.ts';
import { databricksDdl, duckDbDdl } from './raw-ddl.ts';
import { withTable } from './readme-table.ts';
import { declaresRaw, EMPTY_SOURCES, withEntities } from './sources-yaml.ts';

export interface DocumentedFile {
  readonly file: string;
  readonly status: 'unchanged' | 'written' | 'differs';
}

/**
 * Updates the files that are derived from the schemas: the dbt source's YAML, the table in the data folder's README (if it has
 * the marks), the DDL of the raw tables, and the task that loads files where they land.
 * @param checks only compare the files.
 */
export async function documentSchemas(
  paths: Pick<Paths, 'root' | 'settings' | 'data' | 'schemas' | 'dbtProject'>,
  checks: boolean,
): Promise<DocumentedFile[]> {
  const contracts = await readContracts(paths.schemas);
  if (contracts.size === 0) throw new MeetupError(`There are no JSON Schemas in ${paths.schemas} to document.`);
  const tables = rawTablesOf(contracts);
  const sources = await sourcesFile(paths.dbtProject);
  const readme = join(dirname(paths.schemas), 'README.md');
  const texts: [file: string, text: string | undefined][] = [
    [sources, withEntities(sources, await contentOf(sources, EMPTY_SOURCES), contracts, tables)],
    [readme, withTable(await contentOf(readme, ''), contracts)],
    [join(paths.schemas, 'raw.duckdb.sql'), duckDbDdl(tables)],
    [join(paths.schemas, 'raw.databricks.sql'), databricksDdl(tables)],
    ...(await landingFiles(paths, contracts)),
  ];
  const documented: DocumentedFile[] = [];
  for (const [file, text] of texts) {
    if (text === undefined) continue;
    const isSame = (await contentOf(file, '')) === text;
    if (!isSame && !checks) {
      await mkdir(dirname(file), { recursive: true });
      await writeAtomically(file, text);
    }
    documented.push({ file, status: isSame ? 'unchanged' : checks ? 'differs' : 'written' });
  }
  return documented;
}

const contentOf = async (file: string, otherwise: string): Promise<string> =>
  existsSync(file) ? readFile(file, 'utf8') : otherwise;

/** Folders of a dbt project that hold no sources of its own. */
const NOT_OWN = new Set(['dbt_packages', 'dbt_modules', 'target', 'logs', 'node_modules', '.git']);

/** The file that declares the source `raw`; a new one in the staging folder if there is none. */
async function sourcesFile(dbtProject: string): Promise<string> {
  for (const file of await yamlFiles(dbtProject)) if (declaresRaw(await readFile(file, 'utf8'))) return file;
  return join(dbtProject, 'models', 'staging', '_raw__sources.yml');
}

async function yamlFiles(folder: string): Promise<string[]> {
  const entries = existsSync(folder) ? await readdir(folder, { withFileTypes: true }) : [];
  const found = entries
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(async (entry): Promise<string[]> => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return NOT_OWN.has(entry.name) ? [] : yamlFiles(path);
      return entry.isFile() && /\.ya?ml$/.test(entry.name) ? [path] : [];
    });
  return (await Promise.all(found)).flat();
}
