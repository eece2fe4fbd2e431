import { z } from 'zod';
import { readJsonFile } from '../config/json-file.ts';

/** A table to compare, and the key that identifies its rows. */
export interface MartSpec {
  readonly uniqueId: string;
  readonly schema: string;
  readonly name: string;
  /** Columns of its key; all columns if none is known. */
  readonly keys: readonly string[];
  /** Columns that are not compared. */
  readonly ignore?: readonly string[];
}

const nodeSchema = z.looseObject({
  unique_id: z.string(),
  resource_type: z.string(),
  schema: z.string(),
  alias: z.string(),
  access: z.string().nullish(),
});
const testSchema = z.looseObject({
  resource_type: z.literal('test'),
  attached_node: z.string().nullish(),
  column_name: z.string().nullish(),
  config: z.looseObject({ where: z.string().nullish() }),
  test_metadata: z.looseObject({
    name: z.string(),
    kwargs: z.looseObject({ columns: z.array(z.string()).optional() }),
  }),
});
const manifestSchema = z.looseObject({ nodes: z.record(z.string(), z.unknown()) });

/**
 * The public marts of a dbt manifest. The key of each is what its data tests declare unique: one column, or a combination
 * of columns, for all rows.
 */
export async function publicMarts(manifestFile: string): Promise<MartSpec[]> {
  const { nodes } = await readJsonFile(manifestFile, manifestSchema, 'remove it, and try again');
  const keys = keysOf(Object.values(nodes));
  return Object.values(nodes)
    .map((node) => nodeSchema.safeParse(node))
    .flatMap(({ data }) => (data?.resource_type === 'model' && data.access === 'public' ? [data] : []))
    .map(({ unique_id: uniqueId, schema, alias: name }) => ({ uniqueId, schema, name, keys: keys.get(uniqueId) ?? [] }))
    .sort((a, b) => a.name.localeCompare(b.name));
}

function keysOf(nodes: readonly unknown[]): Map<string, readonly string[]> {
  const keys = new Map<string, readonly string[]>();
  for (const node of nodes) {
    const { data: test } = testSchema.safeParse(node);
    if (test?.attached_node == null || test.config.where) continue;
    const { name, kwargs } = test.test_metadata;
    const columns =
      name === 'unique' ? [test.column_name ?? ''] : name === 'unique_combination' ? kwargs.columns : undefined;
    const known = keys.get(test.attached_node);
    if (columns !== undefined && (known === undefined || columns.length < known.length)) {
      keys.set(test.attached_node, columns);
    }
  }
  return keys;
}
