import { z } from 'zod';
import { readJsonFile } from '../../config/json-file.ts';
import type { RawTable } from '../../ingest/raw-tables.ts';
import type { DatabricksConnection } from '../../warehouse/databricks.ts';
import { quoteName, quoteNames } from '../../warehouse/databricks-sql.ts';
import { databricksType } from '../../warehouse/databricks-types.ts';

/** The prefix of the schemas of a test run. Nothing else on a target may use it. */
export const SCHEMA_PREFIX = 'meetup_fixtures_';

/** The part of dbt's manifest that is used here: https://schemas.getdbt.com/dbt/manifest/v12.json */
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
      columns: z.record(z.string(), z.object({ name: z.string(), data_type: z.string().nullish() })),
    }),
  ),
});
type Node = z.infer<typeof manifestSchema>['nodes'][string];

/** The models that unit tests may name. */
export interface Scaffolding {
  /** Models whose columns are known from their contract. */
  readonly contracted: readonly Node[];
  /** Unique ids of models whose columns are only known from their SQL. */
  readonly built: readonly string[];
  readonly schemas: readonly string[];
}

/** What unit tests of these models (by unique id) need: the models themselves and everything upstream. */
export async function readScaffolding(manifestFile: string, tested: readonly string[]): Promise<Scaffolding> {
  const { nodes } = await readJsonFile(manifestFile, manifestSchema, 'remove it, and try again');
  const inputs = tested.flatMap((id) => nodes[id]?.depends_on.nodes ?? []);
  const contracted = new Map<string, Node>();
  const built = new Set<string>();
  const pending = [...inputs, ...tested.filter((id) => hasContract(nodes[id]))];
  for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
    const node = nodes[id];
    if (node?.resource_type !== 'model' || !node.config.enabled || built.has(id)) continue;
    if (hasContract(node)) {
      contracted.set(id, node);
      continue;
    }
    built.add(id);
    pending.push(...node.depends_on.nodes);
  }
  const made = [...contracted.values(), ...[...built].flatMap((id) => nodes[id] ?? [])];
  return {
    contracted: [...contracted.values()],
    built: [...built],
    schemas: [...new Set([`${SCHEMA_PREFIX}raw`, ...made.map((node) => node.schema)])],
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
 * Creates the relations whose columns unit tests ask for, all of them empty: raw tables as declared, and a view for each
 * model with a contract. A view costs a tenth of a Delta table.
 */
export async function raiseScaffold(
  connection: DatabricksConnection,
  catalog: string,
  { schemas, contracted }: Scaffolding,
  rawTables: readonly RawTable[],
): Promise<void> {
  for (const schema of schemas) await connection.run(`create schema if not exists ${quoteNames(catalog, schema)}`);
  for (const { name, columns } of rawTables) {
    const typed = columns.map((column) => ({ name: column.name, type: databricksType(column.type) }));
    await connection.run(emptyView(quoteNames(catalog, `${SCHEMA_PREFIX}raw`, name), typed));
  }
  for (const { schema, alias, columns } of contracted) {
    const typed = Object.values(columns).map((column) => ({ name: column.name, type: column.data_type ?? 'string' }));
    await connection.run(emptyView(quoteNames(catalog, schema, alias), typed));
  }
}

function emptyView(place: string, columns: readonly { name: string; type: string }[]): string {
  const list = columns.map(({ name, type }) => `cast(null as ${type}) as ${quoteName(name)}`);
  return `create or replace view ${place} as select ${list.join(', ')} where false`;
}
