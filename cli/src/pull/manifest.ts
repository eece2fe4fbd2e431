import { z } from 'zod';
import { readJsonFile } from '../config/json-file.ts';

const flags = z.looseObject({ personal: z.unknown().optional(), key: z.unknown().optional() }).optional();
const columnSchema = z.looseObject({
  name: z.string(),
  meta: flags,
  config: z.looseObject({ meta: flags }).optional(),
});

const nodeSchema = z.looseObject({
  unique_id: z.string(),
  name: z.string(),
  resource_type: z.string(),
  package_name: z.string(),
  database: z.string().nullish(),
  schema: z.string(),
  alias: z.string(),
  raw_code: z.string().nullish(),
  columns: z.record(z.string(), columnSchema).optional(),
  column_name: z.string().nullish(),
  attached_node: z.string().nullish(),
  test_metadata: z.looseObject({ name: z.string(), kwargs: z.record(z.string(), z.unknown()).default({}) }).nullish(),
  depends_on: z.looseObject({ nodes: z.array(z.string()).default([]) }).default({ nodes: [] }),
});

const place = z.looseObject({ external_location: z.unknown().optional() }).optional();
const sourceSchema = z.looseObject({
  unique_id: z.string(),
  name: z.string(),
  source_name: z.string(),
  database: z.string().nullish(),
  schema: z.string(),
  identifier: z.string(),
  columns: z.record(z.string(), columnSchema).default({}),
  meta: place,
  config: z.looseObject({ meta: place }).optional(),
});

const manifestSchema = z.looseObject({
  nodes: z.record(z.string(), nodeSchema),
  sources: z.record(z.string(), sourceSchema),
});

/** dbt's manifest, as far as `pull` needs it. */
export type PullManifest = z.infer<typeof manifestSchema>;
export type ManifestNode = z.infer<typeof nodeSchema>;
export type ManifestSource = z.infer<typeof sourceSchema>;

/** @throws MeetupError if it can't be read. */
export const readPullManifest = (file: string): Promise<PullManifest> =>
  readJsonFile(file, manifestSchema, 'remove it, and try again');

/** How people name a source's table: `raw.events`. */
export const nameOfSource = ({ source_name: source, name }: Pick<ManifestSource, 'source_name' | 'name'>): string =>
  `${source}.${name}`;

/** The sources that a node is made from, at any distance. */
export function sourcesAbove({ nodes, sources }: PullManifest, start: readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>();
  const visit = (id: string): void => {
    if (seen.has(id)) return;
    seen.add(id);
    for (const above of nodes[id]?.depends_on.nodes ?? []) visit(above);
  };
  for (const id of start) visit(id);
  return new Set([...seen].filter((id) => sources[id] !== undefined));
}

/** The sources that any model, snapshot or test of the project reads. */
export function sourcesInUse(manifest: PullManifest): ReadonlySet<string> {
  const readers = Object.values(manifest.nodes).flatMap((node) => node.depends_on.nodes);
  return new Set(readers.filter((id) => manifest.sources[id] !== undefined));
}

/** The columns that models which read a source directly mark as personal, by the source's id; in lower case. */
export function personalBelow({ nodes, sources }: PullManifest): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  for (const { columns = {}, depends_on: above } of Object.values(nodes)) {
    const personal = Object.values(columns).filter(
      ({ meta, config }) => (config?.meta?.personal ?? meta?.personal) === true,
    );
    for (const id of above.nodes.filter((one) => sources[one] !== undefined)) {
      const known = found.get(id) ?? new Set<string>();
      for (const { name } of personal) known.add(name.toLowerCase());
      found.set(id, known);
    }
  }
  return found;
}

/** Whether a column is marked as a key. */
export const isKeyColumn = ({ meta, config }: z.infer<typeof columnSchema>): boolean =>
  (config?.meta?.key ?? meta?.key) === true;

/** The values of a test's argument that are texts or numbers. */
export const valuesIn = (argument: unknown): string[] =>
  Array.isArray(argument)
    ? argument.filter((value) => typeof value === 'string' || typeof value === 'number').map(String)
    : [];
