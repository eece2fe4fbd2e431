import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve, sep } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { SETTINGS_FILE, type Settings } from './settings.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The folders of a project. All paths are absolute. */
export interface Layout {
  readonly dbtProject: string;
  readonly profiles: string;
  /** The folder of unit tests. */
  readonly fixtures: string;
  readonly scenarios: string;
  readonly data: string;
  readonly schemas: string;
  /** The folder of saved queries. */
  readonly queries: string;
}

const PROJECT_FILE = 'dbt_project.yml';

/**
 * The root of the project that a command is run in: the nearest folder, from `cwd` upwards, with a meetup.yml, or else
 * with a dbt project. The launcher has the same rule (cli/launcher/places.cjs).
 */
export function findRoot(cwd: string): string | undefined {
  return nearest(cwd, SETTINGS_FILE) ?? nearest(cwd, PROJECT_FILE);
}

function nearest(from: string, name: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, name))) return folder;
    if (dirname(folder) === folder) return undefined;
  }
}

/** Resolves all folders, from the settings or else from dbt_project.yml and the existing files. */
export function layoutOf(root: string, settings: Settings, env: Environment): Layout {
  const at = (path: string): string => resolve(root, path);
  const dbtProject = settings.dbt?.project === undefined ? findDbtProject(root) : at(settings.dbt.project);
  const folders = dbtFolders(dbtProject);
  const data = settings.data === undefined ? defaultData(root, folders) : at(settings.data);
  return {
    dbtProject,
    profiles: settings.dbt?.profiles === undefined ? findProfiles(root, dbtProject, env) : at(settings.dbt.profiles),
    fixtures: settings.fixtures === undefined ? defaultFixtures(root, folders) : at(settings.fixtures),
    scenarios: at(settings.scenarios ?? 'fixtures/scenarios'),
    data,
    schemas: settings.schemas === undefined ? join(data, 'schemas') : at(settings.schemas),
    queries: at(settings.queries ?? 'queries'),
  };
}

/** The folder with dbt_project.yml: the root, `dbt`, or the only one below the root. */
export function findDbtProject(root: string): string {
  if (existsSync(join(root, PROJECT_FILE))) return root;
  if (existsSync(join(root, 'dbt', PROJECT_FILE))) return join(root, 'dbt');
  const found = foldersIn(root).filter((name) => existsSync(join(root, name, PROJECT_FILE)));
  return join(root, found.length === 1 ? (found[0] ?? 'dbt') : 'dbt');
}

function foldersIn(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name);
  } catch {
    return [];
  }
}

/** Looks where dbt itself would look, and in the folder `profiles`. */
function findProfiles(root: string, dbtProject: string, env: Environment): string {
  const own = join(root, 'profiles');
  const candidates = [
    ...(env.DBT_PROFILES_DIR ? [resolve(root, env.DBT_PROFILES_DIR)] : []),
    own,
    dbtProject,
    root,
    join(env.HOME || homedir(), '.dbt'),
  ];
  return candidates.find((folder) => existsSync(join(folder, 'profiles.yml'))) ?? own;
}

interface DbtFolders {
  readonly models: readonly string[];
  readonly all: readonly string[];
}

const paths = z.array(z.string());

/** The folders in dbt_project.yml; undefined if it can't be read, which dbt reports better. */
function dbtFolders(dbtProject: string): DbtFolders | undefined {
  try {
    const document: unknown = parse(readFileSync(join(dbtProject, PROJECT_FILE), 'utf8'));
    const config = z.record(z.string(), z.unknown()).parse(document);
    const listed = (key: string): string[] =>
      (paths.safeParse(config[key]).data ?? []).map((folder) => resolve(dbtProject, folder));
    const models = config['model-paths'] === undefined ? [join(dbtProject, 'models')] : listed('model-paths');
    return {
      models,
      all: [
        ...models,
        ...Object.keys(config)
          .filter((key) => key.endsWith('-paths'))
          .flatMap(listed),
      ],
    };
  } catch {
    return undefined;
  }
}

/** Old dbt projects keep their seeds in `data`. */
function defaultData(root: string, folders: DbtFolders | undefined): string {
  const data = join(root, 'data');
  return folders?.all.includes(data) ? join(root, 'json') : data;
}

/** dbt finds unit tests only in model-paths. */
function defaultFixtures(root: string, folders: DbtFolders | undefined): string {
  const own = join(root, 'fixtures', 'models');
  const [first] = folders?.models ?? [];
  const isRead = folders?.models.some((folder) => own === folder || own.startsWith(folder + sep));
  return first === undefined || isRead ? own : join(first, 'unit_tests');
}
