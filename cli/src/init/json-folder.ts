import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Effects } from '../config/effects.ts';
import { MeetupError } from '../config/errors.ts';
import { SETTINGS_FILE } from '../config/project/settings.ts';
import { entityOfFile, isDropName } from '../ingest/drops.ts';
import { rawTablesOf } from '../ingest/raw-tables.ts';
import { type Contract, type Contracts, contractOf, newAjv } from '../ingest/schemas.ts';
import { EMPTY_SOURCES, withEntities } from '../schema/docs/sources-yaml.ts';
import type { InferredSchema } from '../schema/infer/infer.ts';
import { inferFiles } from '../schema/infer/infer-files.ts';
import { schemaText } from '../schema/schema-text.ts';
import { ignoring, newFile, profilesYml, WORKFLOW, WORKFLOW_PATH } from './common.ts';
import { firstPage } from './first-page.ts';
import type { InitPlan, PlannedFile } from './planned-file.ts';
import { fixtureYml, stagingSql, stagingYml } from './staging.ts';

const SOURCES = 'dbt/models/staging/_raw__sources.yml';

/** JSON files of tools, which are not data. */
const TOOLS =
  /^(package|package-lock|tsconfig.*|jsconfig|biome|composer|manifest|catalog|run_results|drop)\.json$|^\.|\.schema\.json$/;

/**
 * A running project for a folder of JSON files: schemas, sources, a staging model for each entity, tests.
 * @param data the folder of the files within the project; files in the project's own folder move there.
 * @throws MeetupError if there is no JSON file, or some can't be used: all of them are named.
 */
export async function planForJson(root: string, data: string, effects: Effects): Promise<InitPlan> {
  const here = jsonFilesIn(root);
  const inData = jsonFilesIn(join(root, data));
  const ofDays = dayFoldersIn(join(root, data)).flatMap((day) =>
    jsonFilesIn(join(root, data, day)).map((name) => join(day, name)),
  );
  if (here.length + inData.length + ofDays.length === 0) {
    throw new MeetupError(
      `There is neither a dbt project nor a JSON file in ${root}: put JSON files into ${join(root, data)}, name another folder with --data, or run this in the folder of a dbt project.`,
    );
  }
  const files = [...here, ...[...inData, ...ofDays].map((name) => join(data, name))].map((name) => join(root, name));
  const inferred = await inferFiles(files, effects, twice([...here, ...inData], join(root, data)));
  const ajv = newAjv();
  const contracts: Contracts = new Map(inferred.map(({ entity, schema }) => [entity, contractOf(schema, ajv)]));
  const moved: PlannedFile[] = here.map((name) => ({ path: join(data, name), action: 'moved', from: name }));
  return {
    kind: 'json',
    found: inferred.flatMap(({ entity, records, notes }) => [
      `${entity}: a schema was inferred from ${records.toLocaleString('en-US')} ${records === 1 ? 'record' : 'records'}.`,
      ...notes,
    ]),
    files: [...moved, ...projectFiles(root, data, inferred, contracts)],
  };
}

/** Files of one entity that would lie beside each other in a folder, where `load` refuses them because their order is unknown. */
function twice(names: readonly string[], folder: string): MeetupError[] {
  return [...new Set(names.map(entityOfFile))].flatMap((entity) => {
    const files = names.filter((name) => entityOfFile(name) === entity);
    return files.length < 2
      ? []
      : new MeetupError(
          `${files.join(' and ')} are all files of ${entity}, and only one can be in ${folder}: keep one, or put each into a folder of its day, such as ${join(folder, '2026-01-31')}.`,
        );
  });
}

function dayFoldersIn(data: string): string[] {
  if (!existsSync(data)) return [];
  return readdirSync(data).filter(isDropName).sort();
}

function jsonFilesIn(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
    const names = entries.map(({ name }) => name).filter((name) => !TOOLS.test(name));
    return names.filter((name) => entityOfFile(name) !== undefined).sort();
  } catch {
    return [];
  }
}

function projectFiles(
  root: string,
  data: string,
  inferred: readonly InferredSchema[],
  contracts: Contracts,
): PlannedFile[] {
  const schemaFolder = join(data, 'schemas');
  const name = projectName(root);
  const file = (path: string, text: string): PlannedFile[] => newFile(root, path, text);
  const schemas = inferred.flatMap(({ entity, schema }) =>
    file(join(schemaFolder, `${entity}.schema.json`), schemaText(schema)),
  );
  const entities: [string, Contract][] = [...contracts];
  const [first] = [...entities].sort(([, a], [, b]) => b.key.length - a.key.length);
  return [
    ...schemas,
    ...file('dbt/dbt_project.yml', projectYml(name)),
    ...file('dbt/macros/generate_schema_name.sql', SCHEMA_NAME),
    ...file(SOURCES, withEntities(SOURCES, EMPTY_SOURCES, contracts, rawTablesOf(contracts))),
    ...entities.flatMap(([entity, contract]) =>
      file(`dbt/models/staging/stg_${entity}.sql`, stagingSql(entity, contract, schemaFolder)),
    ),
    ...file('dbt/models/staging/_staging__models.yml', stagingYml(contracts)),
    ...(first === undefined ? [] : file(`fixtures/models/stg_${first[0]}/stg_${first[0]}.yml`, fixtureYml(...first))),
    ...file('profiles/profiles.yml', profilesYml(name, 'main')),
    ...file(SETTINGS_FILE, settingsYml(data)),
    ...file('README.md', readme(name, data, [...contracts.keys()])),
    ...ignoring(root, ['.meetup/', `/${data}/*`, `!/${data}/schemas/`]),
    ...firstPage(root, first === undefined ? undefined : `stg_${first[0]}`),
    ...file(WORKFLOW_PATH, WORKFLOW),
  ];
}

/** A name that dbt accepts. */
function projectName(root: string): string {
  const name = basename(root)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^_+|_+$/g, '');
  return /^[a-z]/.test(name) ? name : `project_${name}`.replace(/_$/, '');
}

const projectYml = (name: string): string => `name: ${name}
version: 1.0.0
config-version: 2
profile: ${name}

# Unit tests lie beside the dbt project, where \`meetup test new\` writes them.
model-paths: [models, ../fixtures/models]

models:
  ${name}:
    staging:
      +materialized: view
      +schema: staging
`;

const SCHEMA_NAME = `{# A model's schema is the one that is configured, on every target: staging is staging. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{- (custom_schema_name or target.schema) | trim -}}
{%- endmacro %}
`;

const settingsYml = (data: string): string => `# Settings of meetup: node_modules/meetup/docs/meetup-yml.md lists all.
dbt:
  project: dbt
  profiles: profiles
data: ${data}
schemas: ${join(data, 'schemas')}
fixtures: fixtures/models

# The schemas that dashboards and people rely on, once there are any:
# public: [marts]
`;

const readme = (name: string, data: string, entities: readonly string[]): string => `# ${name}

JSON files in \`${data}/\` (${entities.join(', ')}) are checked against the schemas in \`${join(data, 'schemas')}/\`, loaded into DuckDB and built with dbt.

\`\`\`sh
npx meetup dev            # load, build and test
npx meetup dev --watch    # and again on every save
npx meetup test           # unit tests, without data
npx meetup dashboard      # pages in dashboard/, redrawn after each build
npx meetup query "select * from stg_${entities[0] ?? 'x'} limit 10"
\`\`\`

Models are in \`dbt/models\`, unit tests in \`fixtures/models\`. \`npx meetup test new <model>\` writes a unit test from your data, without personal values.
`;
