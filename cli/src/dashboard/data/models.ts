import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readJsonFile } from '../../config/json-file.ts';
import type { Paths } from '../../config/paths.ts';

const dependsOnSchema = z.object({ nodes: z.array(z.string()).default([]) }).default({ nodes: [] });

const nodeSchema = z.object({
  resource_type: z.string(),
  name: z.string(),
  alias: z.string(),
  schema: z.string(),
  description: z.string().default(''),
  access: z.string().optional(),
  group: z.string().nullish(),
  original_file_path: z.string(),
  config: z.object({ materialized: z.string().optional() }),
  columns: z
    .record(
      z.string(),
      z.object({ name: z.string(), description: z.string().default(''), data_type: z.string().nullish() }),
    )
    .default({}),
  depends_on: dependsOnSchema,
});

const manifestSchema = z.object({
  metadata: z.object({ project_name: z.string().nullish() }),
  nodes: z.record(z.string(), z.looseObject({ resource_type: z.string() })),
  groups: z.record(
    z.string(),
    z.object({ name: z.string(), owner: z.object({ name: z.string().nullish(), email: z.unknown() }) }),
  ),
  exposures: z
    .record(
      z.string(),
      z.object({
        name: z.string(),
        label: z.string().nullish(),
        owner: z.object({ name: z.string().nullish() }),
        depends_on: dependsOnSchema,
      }),
    )
    .default({}),
  semantic_models: z.record(z.string(), z.object({ depends_on: dependsOnSchema })).default({}),
  metrics: z
    .record(
      z.string(),
      z.object({
        name: z.string(),
        label: z.string().nullish(),
        description: z.string().default(''),
        group: z.string().nullish(),
        depends_on: dependsOnSchema,
      }),
    )
    .default({}),
});
type Manifest = z.infer<typeof manifestSchema>;

/** A metric of dbt's semantic layer. */
export interface MetricInfo {
  readonly name: string;
  readonly label: string | undefined;
  readonly description: string;
  readonly owner: string | undefined;
  /** The unique ids of the models that it is computed from. */
  readonly dependsOn: readonly string[];
}

/** What reads models outside the project. */
export interface ExposureInfo {
  readonly name: string;
  readonly owner: string | undefined;
  readonly dependsOn: readonly string[];
}

/** What the last `dev` or `build` knew about the project. */
export interface Catalog {
  readonly models: readonly ModelInfo[];
  readonly exposures: readonly ExposureInfo[];
  readonly metrics: readonly MetricInfo[];
}

/** What dbt knows about a model, a seed or a snapshot. */
export interface ModelInfo {
  readonly uniqueId: string;
  readonly name: string;
  readonly kind: string;
  readonly schema: string;
  readonly relation: string;
  readonly description: string;
  readonly isPublic: boolean;
  readonly materialized: string;
  /** The name of the owner of its group. */
  readonly owner: string | undefined;
  readonly file: string;
  /** The descriptions of its columns, in the order of the YAML. */
  readonly columns: ReadonlyMap<string, string>;
  /** The declared types of its columns. */
  readonly types: ReadonlyMap<string, string>;
  readonly dependsOn: readonly string[];
}

const KINDS = new Set(['model', 'seed', 'snapshot']);

/** The project as in the manifest that the last `dev` or `build` wrote; empty if there was no build yet. */
export async function readCatalog(paths: Pick<Paths, 'dbtTarget'>): Promise<Catalog> {
  const file = join(paths.dbtTarget, 'manifest.json');
  if (!existsSync(file)) return { models: [], exposures: [], metrics: [] };
  const manifest = await readJsonFile(file, manifestSchema, 'remove it, and run `./meetup build`');
  const models = modelsIn(manifest);
  return {
    models,
    exposures: Object.values(manifest.exposures).map(({ name, label, owner, depends_on: { nodes } }) => ({
      name: label ?? name,
      owner: owner.name ?? undefined,
      dependsOn: nodes,
    })),
    metrics: metricsIn(manifest, models),
  };
}

function metricsIn(manifest: Manifest, models: readonly ModelInfo[]): MetricInfo[] {
  const known = new Map(models.map((model) => [model.uniqueId, model]));
  const owners = ownersIn(manifest);
  return Object.entries(manifest.metrics).map(([id, { name, label, description, group }]) => {
    const dependsOn = [...modelsBelow(id, manifest)].filter((node) => known.has(node));
    const own = group === null || group === undefined ? undefined : owners.get(group);
    const owner = own ?? dependsOn.map((node) => known.get(node)?.owner).find((one) => one !== undefined);
    return { name, label: label ?? undefined, description: oneLine(description), owner, dependsOn };
  });
}

/** A metric depends on semantic models or on other metrics, and these on models. */
function modelsBelow(
  id: string,
  { metrics, semantic_models: semantic }: Pick<Manifest, 'metrics' | 'semantic_models'>,
  seen = new Set<string>(),
): Set<string> {
  const found = new Set<string>();
  for (const node of (metrics[id] ?? semantic[id])?.depends_on.nodes ?? []) {
    if (seen.has(node)) continue;
    seen.add(node);
    const below =
      node in metrics || node in semantic ? modelsBelow(node, { metrics, semantic_models: semantic }, seen) : [node];
    for (const one of below) found.add(one);
  }
  return found;
}

const ownersIn = ({ groups }: Manifest): ReadonlyMap<string, string> =>
  new Map(Object.values(groups).map(({ name, owner }) => [name, owner.name ?? name]));

function modelsIn(manifest: Manifest): ModelInfo[] {
  const owners = ownersIn(manifest);
  return Object.entries(manifest.nodes).flatMap(([uniqueId, loose]) => {
    if (!KINDS.has(loose.resource_type)) return [];
    const node = nodeSchema.parse(loose);
    return [
      {
        uniqueId,
        name: node.name,
        kind: node.resource_type,
        schema: node.schema,
        relation: node.alias,
        description: oneLine(node.description),
        isPublic: node.access === 'public',
        materialized: node.config.materialized ?? '',
        owner: node.group === null || node.group === undefined ? undefined : owners.get(node.group),
        file: node.original_file_path,
        columns: new Map(Object.values(node.columns).map(({ name, description }) => [name, oneLine(description)])),
        types: new Map(Object.values(node.columns).map((column) => [column.name, column.data_type ?? ''])),
        dependsOn: node.depends_on.nodes,
      },
    ];
  });
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();
