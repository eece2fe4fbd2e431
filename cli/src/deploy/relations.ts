import { z } from 'zod';
import { MeetupError } from '../config/errors.ts';
import { isNotThere } from '../warehouse/databricks-errors.ts';
import { quoteNames } from '../warehouse/databricks-sql.ts';
import { mapConcurrently } from '../warehouse/map-concurrently.ts';
import { type Remote, relationOn } from './remote.ts';

/** The state of one relation at one time, in a form that it can be put back to. */
export const relationStateSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('absent') }),
  /** A Delta table: its version and commit time. The time distinguishes it from another table of the same name. */
  z.object({ kind: z.literal('table'), version: z.number(), committedAt: z.string() }),
  /** A view: the statement that creates it. */
  z.object({ kind: z.literal('view'), definition: z.string() }),
]);
export type RelationState = z.infer<typeof relationStateSchema>;

/** Relations by `schema.name`. */
export const relationStatesSchema = z.record(z.string(), relationStateSchema);
export type RelationStates = Readonly<Record<string, RelationState>>;

/** The drift of a relation that somebody dropped. */
export const GONE = 'it no longer exists';

/** The drift of a relation that is another one by now, with versions of its own. */
export const RECREATED = 'it was dropped and recreated';

const ABSENT: RelationState = { kind: 'absent' };
export const stateOf = (states: RelationStates, relation: string): RelationState => states[relation] ?? ABSENT;
export const versionOf = (state: RelationState): number | null => (state.kind === 'table' ? state.version : null);

/** Delta's operations that don't change rows: maintenance by meetup or by Databricks itself. */
const UPKEEP =
  /^(OPTIMIZE|VACUUM|SET TBLPROPERTIES|UNSET TBLPROPERTIES|COMPUTE STATS|ANALYZE|CLUSTER BY|REORG|FSCK|UPGRADE PROTOCOL)/i;

export const isUpkeep = (operation: string): boolean => UPKEEP.test(operation);

/** Databricks sends timestamps as Arrow, which the driver turns into Dates; Spark sends text. This makes them one form. */
const momentSchema = z.union([
  z.string(),
  z.date().transform((date) =>
    date
      .toISOString()
      .replace('T', ' ')
      .replace(/\.?0*Z$/, ''),
  ),
]);

const commitSchema = z.object({
  version: z.coerce.number(),
  timestamp: momentSchema,
  operation: z.string(),
  userName: z.string().nullish(),
});
const historySchema = z.array(commitSchema);
/** One commit in a Delta table's history. */
export type Commit = z.infer<typeof commitSchema>;
const listingSchema = z.array(z.looseObject({ tableName: z.string(), isTemporary: z.boolean().nullish() }));
const viewsSchema = z.array(z.looseObject({ viewName: z.string() }));

/** The relations of one schema, each a table or a view; none if the schema doesn't exist. */
export async function listSchema(remote: Remote, schema: string): Promise<Map<string, 'table' | 'view'>> {
  const place = quoteNames(remote.catalog, schema);
  const [tables, views] = await Promise.all([
    rowsOrNone(remote, `show tables in ${place}`),
    rowsOrNone(remote, `show views in ${place}`),
  ]);
  const viewNames = new Set(viewsSchema.parse(views).map(({ viewName }) => viewName));
  const found = new Map<string, 'table' | 'view'>();
  for (const { tableName, isTemporary } of listingSchema.parse(tables)) {
    if (!isTemporary) found.set(`${schema}.${tableName}`, viewNames.has(tableName) ? 'view' : 'table');
  }
  return found;
}

/** The relations of several schemas. */
export async function listSchemas(remote: Remote, schemas: readonly string[]): Promise<Map<string, 'table' | 'view'>> {
  const lists = await mapConcurrently(schemas, (schema) => listSchema(remote, schema));
  return new Map(lists.flatMap((list) => [...list]));
}

/** The current state of each of these relations. */
export async function readStates(
  remote: Remote,
  listing: ReadonlyMap<string, 'table' | 'view'>,
  relations: readonly string[],
): Promise<RelationStates> {
  const states = await mapConcurrently(relations, async (relation): Promise<[string, RelationState]> => {
    const kind = listing.get(relation);
    if (kind === undefined) return [relation, ABSENT];
    return [relation, kind === 'view' ? await readView(remote, relation) : await readTable(remote, relation)];
  });
  return Object.fromEntries(states);
}

async function readTable(remote: Remote, relation: string): Promise<RelationState> {
  const [latest] = await history(remote, relation, 1);
  if (latest === undefined)
    throw new MeetupError(`${relation} is not a Delta table, so it has no history and can't be put back.`);
  return { kind: 'table', version: latest.version, committedAt: latest.timestamp };
}

export async function readView(remote: Remote, relation: string): Promise<RelationState> {
  const rows = await remote.connection.rows(`show create table ${relationOn(remote, relation)}`);
  const [{ createtab_stmt: statement }] = z.tuple([z.looseObject({ createtab_stmt: z.string() })]).parse(rows);
  return { kind: 'view', definition: definitionOf(statement) };
}

/** The statement without the properties that the catalog adds itself and that nobody may set. */
export function definitionOf(statement: string): string {
  return statement
    .replace(/,\s*'transient_lastDdlTime'\s*=\s*'\d+'/g, '')
    .replace(/'transient_lastDdlTime'\s*=\s*'\d+',?\s*/g, '')
    .replace(/TBLPROPERTIES\s*\(\s*\)\s*/g, '')
    .replace(/^CREATE (OR REPLACE )?VIEW/i, 'CREATE OR REPLACE VIEW')
    .trim();
}

/** The newest commits of a Delta table, newest first. */
export async function history(remote: Remote, relation: string, limit: number) {
  return historySchema.parse(
    await remote.connection.rows(`describe history ${relationOn(remote, relation)} limit ${limit}`),
  );
}

/** All commits of a Delta table from this version on, newest first; the newest one in any case. */
export async function historySince(remote: Remote, relation: string, version: number) {
  const latest = await history(remote, relation, 1);
  const since = (latest[0]?.version ?? 0) - version;
  return since > 0 ? history(remote, relation, since + 1) : latest;
}

/**
 * The drift of a relation since `known`; undefined if there is none that matters.
 * @param isOurs whether a commit was made by a run of dbt that the ledger has.
 */
export async function driftOf(
  remote: Remote,
  relation: string,
  kind: 'table' | 'view' | undefined,
  known: RelationState,
  isOurs: (commit: Commit) => boolean = () => false,
): Promise<string | undefined> {
  if (kind === undefined) return known.kind === 'absent' ? undefined : GONE;
  const strange = kind === known.kind ? RECREATED : strangeKind(kind, known);
  if (kind === 'view') {
    if (known.kind !== 'view') return strange;
    const now = await readView(remote, relation);
    return now.kind === 'view' && now.definition === known.definition ? undefined : 'the view has a new definition';
  }
  if (known.kind !== 'table') return (await isAllOurs(remote, relation, isOurs)) ? undefined : strange;
  const recent = await historySince(remote, relation, known.version);
  const since = recent.filter(({ version }) => version > known.version);
  const base = recent.find(({ version }) => version === known.version);
  const isAnother = base === undefined ? since.length === 0 : base.timestamp !== known.committedAt;
  if (isAnother) return (await isAllOurs(remote, relation, isOurs)) ? undefined : strange;
  const change = since.find((commit) => !isUpkeep(commit.operation) && !isOurs(commit));
  if (change === undefined) return undefined;
  const who = change.userName ? ` by ${change.userName}` : '';
  return `version ${change.version}: ${change.operation}${who} at ${change.timestamp} UTC`;
}

const strangeKind = (kind: 'table' | 'view', known: RelationState): string =>
  known.kind === 'absent' ? `a ${kind} exists that was not deployed` : `it is a ${kind} now`;

/** Whether runs of dbt created a table, and nobody else changed it since. */
async function isAllOurs(remote: Remote, relation: string, isOurs: (commit: Commit) => boolean): Promise<boolean> {
  const commits = await historySince(remote, relation, -1);
  return commits.some(isOurs) && commits.every((commit) => isUpkeep(commit.operation) || isOurs(commit));
}

async function rowsOrNone(remote: Remote, sql: string) {
  try {
    return await remote.connection.rows(sql);
  } catch (error) {
    if (isNotThere(error)) return [];
    throw error;
  }
}
