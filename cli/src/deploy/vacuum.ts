import { z } from 'zod';
import { MeetupError } from '../config/errors.ts';
import { reasonOf } from '../config/explain.ts';
import { readRawTables } from '../ingest/raw-tables.ts';
import type { RemoteTarget } from '../targets/target.ts';
import { isNotThere } from '../warehouse/databricks-errors.ts';
import { quoteText } from '../warehouse/databricks-sql.ts';
import type { LockedContext } from './context.ts';
import { asidesIn, dropAsideStatement } from './kept-tables.ts';
import { type Deployed, type DeploymentIdentity, deployedNow, readLedger, writeEntry } from './ledger.ts';
import { removeManifests } from './manifests.ts';
import { foreignIn } from './owners.ts';
import { clearLanding, statisticsOf } from './raw/land.ts';
import { listSchemas, type RelationStates } from './relations.ts';
import { dropStatement, type Remote, relationOn, schemasOf } from './remote.ts';

/** What was removed from a target for good. */
export interface Vacuumed {
  /** Tables that lost their earlier versions. */
  readonly tables: readonly string[];
  /** Tables that were only kept for a rollback. */
  readonly dropped: readonly string[];
}

/** The project's own tables among these. */
export const tablesIn = (deployed: Deployed, states: RelationStates): string[] =>
  Object.entries(states)
    .filter(([relation, { kind }]) => kind === 'table' && foreignIn(deployed, [relation]).length === 0)
    .map(([relation]) => relation)
    .sort();

/**
 * Removes what may still hold something forgotten after a deployment: the files of earlier versions, tables that are kept for a
 * rollback, uploads, and manifests with fixtures. Repeatable: if it fails or the process dies, the next deployment does it.
 * @returns undefined if it failed.
 */
export async function vacuumForgotten(
  context: Pick<LockedContext, 'remote' | 'effects' | 'lease' | 'paths'> & {
    readonly target: Pick<RemoteTarget, 'name'>;
  },
  identity: DeploymentIdentity,
): Promise<Vacuumed | undefined> {
  const { remote, effects, lease } = context;
  try {
    const deployed = deployedNow(await readLedger(remote));
    const own = [...Object.keys(deployed.relations), ...Object.keys(deployed.published ?? {})];
    const present = await listSchemas(remote, schemasOf(own));
    const dropped = await dropKept(remote, deployed, present);
    await removeUploads(remote);
    const manifests = [deployed, ...Object.values(deployed.others ?? {})].map(({ manifest }) => manifest);
    await removeManifests(context, manifests);
    const tables = (deployed.unvacuumed ?? []).filter(
      (relation) => present.get(relation) === 'table' && !dropped.includes(relation),
    );
    // Tables that an earlier version made have statistics of all columns.
    const columns = new Map(
      (await readRawTables(context.paths.schemas)).map((table) => [`raw.${table.name}`, table.columns]),
    );
    for (const relation of tables) {
      await lease.requireHeld();
      effects.reporter.progress(`removing earlier versions of ${relation}`);
      for (const statistics of statisticsOf(columns.get(relation) ?? [])) {
        await remote.connection.run(`alter table ${relationOn(remote, relation)} set tblproperties (${statistics})`);
      }
      await vacuum(remote, relation);
    }
    const left = Object.entries(deployed.relations).filter(([relation]) => !dropped.includes(relation));
    const retired = deployed.retired.filter((relation) => !dropped.includes(relation));
    await writeEntry(remote, identity, 'vacuumed', {
      deployed: { ...deployed, relations: Object.fromEntries(left), retired, unvacuumed: [] },
    });
    return { tables, dropped };
  } catch (error) {
    effects.reporter.warn(
      `Earlier versions of tables still hold what was forgotten (${reasonOf(error)}): the next deployment removes them.`,
    );
    return undefined;
  }
}

/** Relations that left the project, and tables that became views. No rollback can need them any more. */
async function dropKept(
  remote: Remote,
  { relations, retired, published = {} }: Deployed,
  present: ReadonlyMap<string, 'table' | 'view'>,
): Promise<string[]> {
  const own = new Set([...Object.keys(relations), ...Object.keys(published)]);
  const asides = asidesIn(present).filter((aside) => own.has(aside.replace('.meetup_aside__', '.')));
  for (const aside of asides) await remote.connection.run(dropAsideStatement(remote, aside));
  const gone = retired.filter((relation) => present.has(relation));
  for (const relation of gone) {
    await remote.connection.run(dropStatement(remote, relation, present.get(relation) ?? 'table'));
  }
  return [...asides, ...gone];
}

async function removeUploads(remote: Remote): Promise<void> {
  try {
    await clearLanding(remote);
  } catch (error) {
    // Nothing was ever uploaded, or all of it is removed.
    if (!isNotThere(error)) throw error;
  }
}

const RETENTION = 'delta.deletedFileRetentionDuration';
const NONE = 'interval 0 seconds';

/**
 * Removes the files of all earlier versions. Delta refuses to keep them for less than the table's own retention, and a SQL warehouse
 * doesn't let a session turn that check off, so the table's retention is lowered meanwhile.
 */
async function vacuum({ connection, catalog }: Remote, relation: string): Promise<void> {
  const name = relationOn({ catalog }, relation);
  const before = await retentionOf(connection, name);
  // That of a process that died meanwhile was not the owner's.
  const isOwners = before !== undefined && before !== NONE;
  await connection.run(setRetention(name, NONE));
  try {
    await connection.run(`vacuum ${name} retain 0 hours`);
  } finally {
    await connection.run(
      isOwners
        ? setRetention(name, before)
        : `alter table ${name} unset tblproperties if exists (${quoteText(RETENTION)})`,
    );
  }
}

const setRetention = (name: string, value: string): string =>
  `alter table ${name} set tblproperties (${quoteText(RETENTION)} = ${quoteText(value)})`;

const propertiesSchema = z.array(z.looseObject({ key: z.string(), value: z.string() }));

async function retentionOf(connection: Remote['connection'], name: string): Promise<string | undefined> {
  const parsed = propertiesSchema.safeParse(await connection.rows(`show tblproperties ${name}`));
  if (!parsed.success) throw new MeetupError(`The properties of ${name} can't be read.`, { cause: parsed.error });
  return parsed.data.find(({ key }) => key === RETENTION)?.value;
}
