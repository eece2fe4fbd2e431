import { join } from 'node:path';
import { z } from 'zod';
import { MeetupError } from '../config/errors.ts';
import { readJsonFile } from '../config/json-file.ts';
import type { Paths } from '../config/paths.ts';
import { wrongSetting } from '../config/project/read-settings.ts';
import type { EngineClient } from '../engine/client.ts';
import { personalPlaces } from '../ingest/annotations.ts';
import { type Contract, type Contracts, readContracts } from '../ingest/schemas.ts';
import type { Declared } from './declared.ts';

const meta = z.looseObject({ personal: z.unknown().optional(), key: z.unknown().optional() }).optional();
const columnSchema = z.looseObject({ name: z.string(), meta, config: z.looseObject({ meta }).optional() });
const columns = z.record(z.string(), columnSchema);
const nodeSchema = z.looseObject({
  unique_id: z.string(),
  name: z.string(),
  resource_type: z.string(),
  package_name: z.string(),
  schema: z.string(),
  alias: z.string(),
  original_file_path: z.string(),
  language: z.string().optional(),
  version: z.union([z.string(), z.number()]).nullish(),
  latest_version: z.union([z.string(), z.number()]).nullish(),
  config: z.looseObject({ materialized: z.string().optional() }),
  columns: columns.optional(),
  depends_on: z.looseObject({ nodes: z.array(z.string()).optional() }).optional(),
});
const sourceSchema = z.looseObject({
  name: z.string(),
  source_name: z.string(),
  schema: z.string(),
  identifier: z.string(),
  columns,
});
const manifestSchema = z.looseObject({
  metadata: z.looseObject({ project_name: z.string() }),
  nodes: z.record(z.string(), nodeSchema),
  sources: z.record(z.string(), sourceSchema),
});

/** A model, seed or snapshot, as far as unit tests need it. */
export interface ProjectModel {
  readonly uniqueId: string;
  readonly name: string;
  /** Of a versioned model. */
  readonly version?: string | number;
  readonly kind: string;
  readonly package: string;
  readonly schema: string;
  readonly table: string;
  readonly file: string;
  readonly materialized: string;
}

/** A relation that a model reads. */
export interface ModelInput {
  readonly schema: string;
  readonly table: string;
  /** As a unit test names it: `ref('fct_events')`, `source('raw', 'events')`. */
  readonly reference: string;
  /** Declarations about columns and their fields, by lower-case path: from `meta` in YAML files, and from the JSON Schemas. */
  readonly declared: ReadonlyMap<string, Declared>;
}

/** A relation in compiled SQL: catalog, schema, table. */
export const RELATION = /"meetup"\."([^"]+)"\."([^"]+)"/g;

type Manifest = z.infer<typeof manifestSchema>;
type Node = z.infer<typeof nodeSchema>;

/** The project's relations according to dbt's manifest. */
export class ProjectModels {
  readonly #manifest: Manifest;
  readonly #inputs = new Map<string, ModelInput>();
  readonly #settings: readonly Setting[];

  private constructor(manifest: Manifest, { root, settings }: Pick<Paths, 'root' | 'settings'>, contracts: Contracts) {
    this.#manifest = manifest;
    this.#settings = declaredIn(settings);
    requireTables(root, this.#settings, manifest);
    for (const source of Object.values(manifest.sources)) {
      const reference = `source('${source.source_name}', '${source.name}')`;
      const contract = source.schema === 'raw' ? contracts.get(source.identifier) : undefined;
      this.#add({ ...source, table: source.identifier }, reference, contract);
    }
    for (const node of Object.values(manifest.nodes)) {
      if (isRelation(node)) this.#add({ ...node, table: node.alias }, this.#reference(node));
    }
  }

  /** @throws MeetupError if the project can't be read. */
  static async read(paths: Paths, engine: EngineClient): Promise<ProjectModels> {
    const manifestFile = join(paths.state, 'test-new', 'manifest.json');
    const { problems } = await engine.changes({ target: 'dev', manifestFile });
    const [problem] = problems;
    if (problem !== undefined) {
      throw new MeetupError(
        `The dbt project can't be read: ${problem.file ?? 'dbt'}: ${problem.message.split('\n')[0]}`,
      );
    }
    const manifest = await readJsonFile(manifestFile, manifestSchema, 'remove it, and try again');
    return new ProjectModels(manifest, paths, await readContracts(paths.schemas));
  }

  byId(uniqueId: string): ProjectModel | undefined {
    const node = this.#manifest.nodes[uniqueId];
    return node === undefined ? undefined : modelOf(node);
  }

  /** The relation with this place, as a unit test names it; undefined if no node or source has it. */
  input(schema: string, table: string): ModelInput | undefined {
    return this.#inputs.get(key(schema, table));
  }

  /**
   * The model of this name. A versioned one is named like its relation (`customers_v2`) or as in dbt's selection
   * (`customers.v2`); without a version, it is the latest.
   * @throws MeetupError if there is no such model, or no unit test can be written for it.
   */
  testable(name: string): ProjectModel {
    const all = Object.values(this.#manifest.nodes);
    const found = all.filter((node) => node.name === name);
    const node =
      found.find((one) => one.resource_type === 'model' && (one.version ?? null) === (one.latest_version ?? null)) ??
      all.find(
        (one) => one.version != null && [`${one.name}_v${one.version}`, `${one.name}.v${one.version}`].includes(name),
      );
    if (node === undefined) throw new MeetupError(this.#missing(name, found[0]));
    if (node.language === 'python')
      throw new MeetupError(`${name} is a Python model, and dbt doesn't support unit tests for Python models.`);
    if (node.config.materialized === 'ephemeral') {
      throw new MeetupError(
        `${name} is ephemeral, so it has no rows to choose from: write a test for a model that reads it.`,
      );
    }
    const ephemeral = (node.depends_on?.nodes ?? [])
      .map((id) => this.#manifest.nodes[id])
      .find((one) => one?.config.materialized === 'ephemeral');
    if (ephemeral !== undefined) {
      throw new MeetupError(
        `${name} reads the ephemeral model ${ephemeral.name}, which has no rows to copy: write the test by hand, with \`format: sql\` for that input.`,
      );
    }
    return modelOf(node);
  }

  #missing(name: string, other: Node | undefined): string {
    if (other !== undefined) return `${name} is a ${other.resource_type}, but only models have unit tests.`;
    const models = Object.values(this.#manifest.nodes).filter(({ resource_type: kind }) => kind === 'model');
    const names = models.map((model) => (model.version == null ? model.name : `${model.name}.v${model.version}`));
    const [nearest] = names.sort((a, b) => likeness(b, name) - likeness(a, name));
    return `There is no model ${name} in the dbt project${nearest === undefined ? '.' : `: did you mean ${nearest}?`}`;
  }

  #add({ name, schema, table, columns: described = {} }: Described, reference: string, contract?: Contract): void {
    const declared = new Map([...inYaml(described), ...(contract === undefined ? [] : inSchema(contract))]);
    // meetup.yml takes precedence.
    for (const setting of this.#settings) {
      if (![name, table].some((one) => one.toLowerCase() === setting.table)) continue;
      declared.set(setting.column, { ...declared.get(setting.column), personal: setting.isPersonal });
    }
    this.#inputs.set(key(schema, table), { schema, table, reference, declared });
  }

  #reference({ name, package_name: from, version }: Node): string {
    const own = from === this.#manifest.metadata.project_name;
    const place = own ? `'${name}'` : `'${from}', '${name}'`;
    return version == null ? `ref(${place})` : `ref(${place}, v=${JSON.stringify(version)})`;
  }
}

interface Described {
  readonly name: string;
  readonly schema: string;
  readonly table: string;
  readonly columns?: z.infer<typeof columns> | undefined;
}

/** A column's declaration in meetup.yml; names in lower case. */
interface Setting {
  readonly key: string;
  readonly table: string;
  readonly column: string;
  readonly isPersonal: boolean;
}

const declaredIn = ({ personal = {} }: Paths['settings']): Setting[] =>
  Object.entries(personal).map(([name, isPersonal]) => {
    const [table = '', column = ''] = name.toLowerCase().split('.');
    return { key: name, table, column, isPersonal };
  });

/** Rejects unknown tables in the declarations, which would only seem to protect something. */
function requireTables(root: string, declared: readonly Setting[], { nodes, sources }: Manifest): void {
  const names = [
    ...Object.values(nodes).flatMap((node) => [node.name, node.alias]),
    ...Object.values(sources).flatMap((source) => [source.name, source.identifier]),
  ];
  const known = new Set(names.map((name) => name.toLowerCase()));
  const unknown = declared.find(({ table }) => !known.has(table));
  if (unknown === undefined) return;
  const why = `personal names ${unknown.key}, but the dbt project has no model, seed, snapshot or source table ${unknown.table}.`;
  throw wrongSetting(root, ['personal', unknown.key], why);
}

/** The declarations in `meta` of the columns. Anything but true and false is ignored. */
const inYaml = (described: z.infer<typeof columns>): [path: string, Declared][] =>
  Object.values(described).flatMap(({ name, config, meta: outer }): [string, Declared][] => {
    const personal = flag(config?.meta?.personal ?? outer?.personal);
    const isKey = flag(config?.meta?.key ?? outer?.key);
    return personal === undefined && isKey === undefined ? [] : [[name.toLowerCase(), { personal, key: isKey }]];
  });

const flag = (value: unknown): boolean | undefined => (typeof value === 'boolean' ? value : undefined);

/** The declarations in a JSON Schema about its entity's properties. */
function inSchema(contract: Contract): [path: string, Declared][] {
  const personal = personalPlaces(contract.schema);
  const paths = new Set([...contract.key, ...personal.keys()]);
  return [...paths].map((path) => [
    path.toLowerCase(),
    { personal: personal.get(path), ...(contract.key.includes(path) ? { key: true } : {}) },
  ]);
}

/** The relations that a statement reads, in order. */
export function inputsIn(sql: string, models: ProjectModels): ModelInput[] {
  const inputs = new Map<string, ModelInput>();
  for (const [relation, schema = '', table = ''] of sql.matchAll(RELATION)) {
    const input = models.input(schema, table);
    if (input === undefined) {
      throw new MeetupError(
        `The model reads ${relation} without ref() or source(), so a unit test can't provide its rows.`,
      );
    }
    inputs.set(relation, { ...input, schema, table });
  }
  return [...inputs.values()];
}

const key = (schema: string, table: string): string => JSON.stringify([schema.toLowerCase(), table.toLowerCase()]);

const isRelation = ({ resource_type: kind }: Node): boolean => ['model', 'seed', 'snapshot'].includes(kind);

function modelOf(node: Node): ProjectModel {
  return {
    uniqueId: node.unique_id,
    name: node.name,
    ...(node.version == null ? {} : { version: node.version }),
    kind: node.resource_type,
    package: node.package_name,
    schema: node.schema,
    table: node.alias,
    file: node.original_file_path,
    materialized: node.config.materialized ?? 'view',
  };
}

/** The similarity of two names: their common pairs of adjacent letters, relative to their lengths. */
function likeness(a: string, b: string): number {
  const pairs = [...a].slice(1).map((letter, index) => `${a[index]}${letter}`);
  return pairs.filter((pair) => b.includes(pair)).length / Math.max(1, a.length + b.length);
}
