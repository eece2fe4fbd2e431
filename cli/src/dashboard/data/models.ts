import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readJsonFile } from '../../config/json-file.ts';
import type { Paths } from '../../config/paths.ts';

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
  depends_on: z.object({ nodes: z.array(z.string()).default([]) }).default({ nodes: [] }),
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
        depends_on: z.object({ nodes: z.array(z.string()).default([]) }).default({ nodes: [] }),
      }),
    )
    .default({}),
});

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
  if (!existsSync(file)) return { models: [], exposures: [] };
  const manifest = await readJsonFile(file, manifestSchema, 'remove it, and run `./meetup build`');
  return {
    models: modelsIn(manifest),
    exposures: Object.values(manifest.exposures).map(({ name, label, owner, depends_on: { nodes } }) => ({
      name: label ?? name,
      owner: owner.name ?? undefined,
      dependsOn: nodes,
    })),
  };
}

function modelsIn(manifest: z.infer<typeof manifestSchema>): ModelInfo[] {
  const owners = new Map(Object.values(manifest.groups).map(({ name, owner }) => [name, owner.name ?? name]));
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
