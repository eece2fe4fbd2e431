import { z } from 'zod';
import { readJsonFile } from '../config/json-file.ts';
import type { Paths } from '../config/paths.ts';
import { isPublic, readersSchema } from '../config/project/public-models.ts';
import { wrongSetting } from '../config/project/read-settings.ts';

/** A table to compare, and the key that identifies its rows. */
export interface MartSpec {
  readonly uniqueId: string;
  readonly schema: string;
  /** The schema that it is built in, if readers find it in another one. */
  readonly builtIn?: string;
  readonly name: string;
  /** Columns of its key; all columns if none is known. */
  readonly keys: readonly string[];
  /** Columns that are not compared. */
  readonly ignore?: readonly string[];
  /** Whether a contract says the types. Without one, the width of integers and decimals is up to each engine. */
  readonly hasContract?: boolean;
}

const nodeSchema = z.looseObject({
  unique_id: z.string(),
  resource_type: z.string(),
  schema: z.string(),
  alias: z.string(),
  access: z.string().nullish(),
  package_name: z.string(),
  constraints: z.array(z.looseObject({ type: z.string(), columns: z.array(z.string()).nullish() })).optional(),
  columns: z
    .record(
      z.string(),
      z.looseObject({ name: z.string(), constraints: z.array(z.looseObject({ type: z.string() })).nullish() }),
    )
    .optional(),
  config: z.looseObject({
    materialized: z.string().optional(),
    contract: z.looseObject({ enforced: z.boolean().optional() }).nullish(),
    meta: z.looseObject({ engine: z.string().optional(), published_in: z.string().optional() }).optional(),
  }),
  depends_on: z.looseObject({ nodes: z.array(z.string()).optional() }).optional(),
});
const testSchema = z.looseObject({
  resource_type: z.literal('test'),
  attached_node: z.string().nullish(),
  column_name: z.string().nullish(),
  config: z.looseObject({ where: z.string().nullish() }),
  test_metadata: z.looseObject({
    name: z.string(),
    kwargs: z.looseObject({
      columns: z.array(z.string()).optional(),
      // As in dbt_utils.
      combination_of_columns: z.array(z.string()).optional(),
    }),
  }),
});
/** Models that only one engine runs, and everything that reads them: there is nothing to compare them with. */
function onOneEngine(models: readonly z.infer<typeof nodeSchema>[]): ReadonlySet<string> {
  const found = new Set(
    models.filter(({ config }) => config.meta?.engine !== undefined).map((model) => model.unique_id),
  );
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const { unique_id: id, depends_on: above } of models)
      if (above?.nodes?.some((node) => found.has(node))) found.add(id);
  }
  return found;
}

const isView = ({ config }: z.infer<typeof nodeSchema>): boolean => config.materialized === 'view';

const manifestSchema = z.looseObject({
  metadata: z.looseObject({ project_name: z.string() }),
  nodes: z.record(z.string(), z.unknown()),
});

/**
 * The public marts of a dbt manifest: the models in the schemas that meetup.yml calls public, or else those that dbt calls
 * public, or else all tables of the project. The key of each is what its data tests declare unique: one column, or a
 * combination of columns, for all rows. Without such a test, it is the primary key of its contract.
 * @throws MeetupError if meetup.yml names a schema that no model is in.
 */
export async function publicMarts(
  manifestFile: string,
  { root, settings }: Pick<Paths, 'root' | 'settings'>,
): Promise<MartSpec[]> {
  const { nodes, metadata } = await readJsonFile(manifestFile, manifestSchema, 'remove it, and try again');
  const keys = keysOf(Object.values(nodes));
  const all = Object.values(nodes)
    .map((node) => nodeSchema.safeParse(node))
    .flatMap(({ data }) => (data?.resource_type === 'model' ? [data] : []));
  const elsewhere = onOneEngine(all);
  const models = all.filter((one) => one.config.materialized !== 'ephemeral' && !elsewhere.has(one.unique_id));
  const built = new Set(all.map(readersSchema));
  for (const [at, schema] of (settings.public ?? []).entries()) {
    if (built.has(schema)) continue;
    throw wrongSetting(root, ['public', at], `public names the schema ${schema}, but no model is built into it.`);
  }
  const declared = models.filter((model) => isPublic(model, { settings }));
  // A project that calls nothing public still wants to know whether its targets agree.
  const own = models.filter((model) => model.package_name === metadata.project_name && !isView(model));
  const marts = declared.length > 0 || settings.public !== undefined ? declared : own;
  return marts
    .map((model) => ({
      uniqueId: model.unique_id,
      schema: readersSchema(model),
      ...(readersSchema(model) === model.schema ? {} : { builtIn: model.schema }),
      name: model.alias,
      keys: keys.get(model.unique_id) ?? primaryKey(model),
      hasContract: model.config.contract?.enforced ?? false,
    }))
    .sort((a, b) => a.name.localeCompare(b.name));
}

/** The columns of the primary key that a model's contract declares. Databricks takes its word for it, so a tested key comes first. */
function primaryKey({ constraints = [], columns = {}, config }: z.infer<typeof nodeSchema>): readonly string[] {
  if (config.contract?.enforced !== true) return [];
  const ofModel = constraints.find(({ type }) => type === 'primary_key')?.columns;
  const ofColumn = Object.values(columns).find((column) =>
    column.constraints?.some(({ type }) => type === 'primary_key'),
  );
  return ofModel ?? (ofColumn === undefined ? [] : [ofColumn.name]);
}

function keysOf(nodes: readonly unknown[]): Map<string, readonly string[]> {
  const keys = new Map<string, readonly string[]>();
  for (const node of nodes) {
    const { data: test } = testSchema.safeParse(node);
    if (test?.attached_node == null || test.config.where) continue;
    const { name, kwargs } = test.test_metadata;
    const columns =
      name === 'unique'
        ? [test.column_name ?? '']
        : name.startsWith('unique_combination')
          ? (kwargs.columns ?? kwargs.combination_of_columns)
          : undefined;
    const known = keys.get(test.attached_node);
    if (columns !== undefined && (known === undefined || columns.length < known.length)) {
      keys.set(test.attached_node, columns);
    }
  }
  return keys;
}
