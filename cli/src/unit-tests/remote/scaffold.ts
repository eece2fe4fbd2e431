import { z } from 'zod';
import { MeetupError } from '../../config/errors.ts';
import { readJsonFile } from '../../config/json-file.ts';
import type { DatabricksConnection } from '../../warehouse/databricks.ts';
import { quoteName, quoteNames } from '../../warehouse/databricks-sql.ts';
import { databricksType } from '../../warehouse/databricks-types.ts';
import type { ColumnTypes } from '../raw-columns.ts';

/** The prefix of the schemas of a test run. Nothing else on a target may use it. */
export const SCHEMA_PREFIX = 'meetup_fixtures_';

/** The part of dbt's manifest that is used here: https://schemas.getdbt.com/dbt/manifest/v12.json */
const columnsSchema = z.record(z.string(), z.object({ name: z.string(), data_type: z.string().nullish() }));
const manifestSchema = z.object({
  nodes: z.record(
    z.string(),
    z.object({
      unique_id: z.string(),
      resource_type: z.string(),
      schema: z.string(),
      alias: z.string(),
      depends_on: z.object({ nodes: z.array(z.string()).default([]) }).default({ nodes: [] }),
      config: z.object({
        enabled: z.boolean().default(true),
        contract: z.object({ enforced: z.boolean() }).optional(),
      }),
      columns: columnsSchema,
    }),
  ),
  sources: z.record(
    z.string(),
    z.object({ schema: z.string(), identifier: z.string(), columns: columnsSchema.default({}) }),
  ),
});
type Manifest = z.infer<typeof manifestSchema>;
type Node = Manifest['nodes'][string];
type Source = Manifest['sources'][string];

/** The relations that unit tests may name. */
export interface Scaffolding {
  /** Models whose columns are known from their contract. */
  readonly contracted: readonly Node[];
  /** Unique ids of models, seeds and snapshots whose columns are only known once they are built. */
  readonly built: readonly string[];
  readonly sources: readonly Source[];
  readonly schemas: readonly string[];
}

const BUILT = ['model', 'seed', 'snapshot'];

/** What unit tests of these models (by unique id) need: the models themselves and everything upstream. */
export async function readScaffolding(manifestFile: string, tested: readonly string[]): Promise<Scaffolding> {
  const manifest = await readJsonFile(manifestFile, manifestSchema, 'remove it, and try again');
  const { nodes } = manifest;
  const inputs = tested.flatMap((id) => nodes[id]?.depends_on.nodes ?? []);
  const contracted = new Map<string, Node>();
  const built = new Set<string>();
  const sources = new Map<string, Source>();
  const pending = [...inputs, ...tested.filter((id) => hasContract(nodes[id]))];
  for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
    const source = manifest.sources[id];
    if (source !== undefined) sources.set(id, source);
    const node = nodes[id];
    if (node === undefined || !BUILT.includes(node.resource_type) || !node.config.enabled || built.has(id)) continue;
    if (hasContract(node)) {
      contracted.set(id, node);
      continue;
    }
    built.add(id);
    pending.push(...node.depends_on.nodes);
  }
  const placed = [...contracted.values(), ...[...built].flatMap((id) => nodes[id] ?? []), ...sources.values()];
  return {
    contracted: [...contracted.values()],
    built: [...built],
    sources: [...sources.values()],
    schemas: [...new Set(placed.map(({ schema }) => schema))],
  };
}

const hasContract = (node: Node | undefined): boolean => node?.config.contract?.enforced === true;

/** Databricks calls the column `databaseName`, Spark `namespace`. */
const listingSchema = z.array(
  z.union([
    z.object({ databaseName: z.string() }).transform((row) => row.databaseName),
    z.object({ namespace: z.string() }).transform((row) => row.namespace),
  ]),
);

/** Removes the schemas of test runs, including killed ones. */
export async function removeScaffold(connection: DatabricksConnection, catalog: string): Promise<void> {
  const listed = await connection.rows(`show schemas in ${quoteName(catalog)} like '${SCHEMA_PREFIX}*'`);
  for (const name of listingSchema.parse(listed).filter((one) => one.startsWith(SCHEMA_PREFIX))) {
    await connection.run(`drop schema if exists ${quoteNames(catalog, name)} cascade`);
  }
}

/**
 * Creates the relations whose columns unit tests ask for, all of them empty: a view for each source and for each model with a
 * contract. A view costs a tenth of a Delta table.
 * @param known columns in DuckDB's types, by `schema.table` without the prefix.
 * @throws MeetupError if the columns of a source are unknown.
 */
export async function raiseScaffold(
  connection: DatabricksConnection,
  catalog: string,
  { schemas, contracted, sources }: Scaffolding,
  known: Readonly<Record<string, ColumnTypes>>,
): Promise<void> {
  const views = [
    ...sources.map((source) =>
      emptyView(quoteNames(catalog, source.schema, source.identifier), columnsOf(source, known)),
    ),
    ...contracted.map(({ schema, alias, columns }) => emptyView(quoteNames(catalog, schema, alias), declared(columns))),
  ];
  for (const schema of schemas) await connection.run(`create schema if not exists ${quoteNames(catalog, schema)}`);
  for (const view of views) await connection.run(view);
}

/** A source's columns: as the local database has them, or else as dbt declares them. */
function columnsOf(source: Source, known: Readonly<Record<string, ColumnTypes>>): readonly Typed[] {
  const place = `${source.schema.slice(SCHEMA_PREFIX.length)}.${source.identifier}`;
  const local = known[place.toLowerCase()];
  if (local !== undefined) return local.map(([name, type]) => ({ name, type: databricksType(type) }));
  if (Object.values(source.columns).some((column) => column.data_type != null)) return declared(source.columns);
  throw new MeetupError(
    `The columns of the source ${place} are unknown: run \`meetup build\` first, so that the local database has it, or declare its columns with data_type.`,
  );
}

interface Typed {
  readonly name: string;
  readonly type: string;
}

const declared = (columns: Node['columns']): readonly Typed[] =>
  Object.values(columns).map(({ name, data_type: type }) => ({ name, type: type ?? 'string' }));

function emptyView(place: string, columns: readonly Typed[]): string {
  const list = columns.map(({ name, type }) => `cast(null as ${type}) as ${quoteName(name)}`);
  return `create or replace view ${place} as select ${list.join(', ')} where false`;
}
