import { z } from 'zod';
import { MeetupError } from '../config/errors.ts';
import { isNotThere } from '../warehouse/databricks-errors.ts';
import { quoteNames, quoteText } from '../warehouse/databricks-sql.ts';
import { publishedSchema, publishStepSchema } from './publish/published.ts';
import { relationStatesSchema } from './relations.ts';
import { nameOn, OWN_SCHEMA, OWN_VOLUME, type Remote } from './remote.ts';

/** What a project's next deployment needs of its last one. */
const ofProjectSchema = z.object({
  /** A node's fingerprint when it was last built. */
  fingerprints: z.record(z.string(), z.string()),
  /** Relations that left the project with this deployment, which the next one drops. */
  retired: z.array(z.string()),
  /** The manifest's path in the volume; null before the first deployment. */
  manifest: z.string().nullable(),
  /** The commit that was deployed; null if there were changes that are not committed. Entries of older versions lack it. */
  commit: z.string().nullable().optional(),
});

/** The state after a deployment, as far as the next one needs it. */
const deployedSchema = ofProjectSchema.extend({
  /** Every relation that deployments created, with its state when this entry is written. */
  relations: relationStatesSchema,
  /** The dbt project that was deployed. Entries of older versions lack it and the following. */
  project: z.string().optional(),
  /** Ids of the tombstones of what no row of any relation holds. */
  forgotten: z.array(z.string()).optional(),
  /** Relations whose earlier versions may still hold something forgotten, until they are vacuumed. */
  unvacuumed: z.array(z.string()).optional(),
  /** The project that each relation belongs to. */
  owners: z.record(z.string(), z.string()).optional(),
  /** Relations that runs of dbt built with other code than what is deployed (`runs.ts`), with its commits. */
  otherCode: z.record(z.string(), z.array(z.string().nullable())).optional(),
  /** The views through which readers see tables. */
  published: z.record(z.string(), publishedSchema).optional(),
  /** Relations that a run of dbt wrote last whose tests did not pass, or did not run, with the version that readers see; null if there is none. */
  unpassed: z.record(z.string(), z.number().nullable()).optional(),
  /** The other projects in this catalog. */
  others: z.record(z.string(), ofProjectSchema).optional(),
});
export type Deployed = z.infer<typeof deployedSchema>;

export const NOTHING_DEPLOYED: Deployed = { relations: {}, fingerprints: {}, retired: [], manifest: null };

const detailsSchema = z.object({
  /** For `begun`: the previous state of every relation that may be touched; for `run begun`, that of tables. */
  before: relationStatesSchema.optional(),
  /** For `begun`: relations with drift at that time. */
  drifted: z.array(z.string()).optional(),
  /** For `begun`: the views that are pinned before their tables change, with these tables. */
  pinned: z.record(z.string(), z.string()).optional(),
  /** For `audited`: what remains to be done with the views; `goal` is the state afterwards. */
  publishes: z.array(publishStepSchema).optional(),
  /** For `rolling back` and `audited`: the state to reach. */
  goal: deployedSchema.optional(),
  /** For entries that end something: the state afterwards. */
  deployed: deployedSchema.optional(),
  /** Why it was undone. */
  reason: z.string().optional(),
  /** For a rollback: the deployment that was returned to; null for before the first. */
  to: z.string().nullable().optional(),
  /** For `begun`: why breaks of public models were accepted. */
  acceptedBreak: z.string().optional(),
  models: z.record(z.string(), z.string()).optional(),
  batches: z.array(z.string()).optional(),
  /** For a run of dbt: what ran. */
  run: z.looseObject({ job: z.string().optional(), lease_minutes: z.number().optional() }).optional(),
  /** For `run begun`: the relations that it may write. */
  selected: z.array(z.string()).optional(),
  /** For the end of a run: the tables that it wrote, afterwards. */
  wrote: relationStatesSchema.optional(),
  /** For the end of a run: whether it was a build in which everything passed, so that it was published. */
  passed: z.boolean().optional(),
});
export type EntryDetails = z.infer<typeof detailsSchema>;

/**
 * `begun`, `audited`, `run begun` or `rolling back` without an end: the process died. From `audited` on, a deployment is only ever finished.
 */
const EVENTS = [
  'begun',
  'audited',
  'finished',
  'undone',
  'rolling back',
  'rolled back',
  'vacuumed',
  'run begun',
  'run finished',
  'run failed',
  'run died',
] as const;

/** The events whose entries have the state of the target afterwards (`deployed`). */
const WITH_STATE = [
  'finished',
  'undone',
  'rolled back',
  'vacuumed',
] as const satisfies readonly (typeof EVENTS)[number][];

const entrySchema = z.object({
  seq: z.coerce.number(),
  deployment: z.string(),
  event: z.enum(EVENTS),
  at: z.string(),
  who: z.string(),
  commit: z.string().nullable(),
  plan_hash: z.string(),
  versions: z.string(),
  details: z.string().transform((text) => detailsSchema.parse(JSON.parse(text))),
});
export type Entry = z.infer<typeof entrySchema>;

/** Who deploys what; identical in all entries of one deployment. */
export interface DeploymentIdentity {
  readonly deployment: string;
  readonly commit: string | null;
  readonly planHash: string;
  readonly versions: Readonly<Record<string, string>>;
}

const ledgerName = (remote: Remote): string => nameOn(remote, OWN_SCHEMA, 'deployments');

/** Creates meetup's schema, the volume and the ledger if they are missing. */
export async function prepareLedger(remote: Remote): Promise<void> {
  const { connection, catalog } = remote;
  await connection.run(`create schema if not exists ${quoteNames(catalog, OWN_SCHEMA)}`);
  await connection.run(`create volume if not exists ${nameOn(remote, OWN_SCHEMA, OWN_VOLUME)}`);
  await connection.run(`create table if not exists ${ledgerName(remote)} (
    seq bigint, deployment string, event string, at timestamp, who string, commit string, plan_hash string,
    versions string, details string) using delta`);
}

/** How many entries that precede the last known state are read with details, besides all later ones. */
const RECENT = 30;
/** All entries: a rollback may return to any deployment. */
export const WHOLE = Number.POSITIVE_INFINITY;

/**
 * All entries, oldest first; none if nothing was ever deployed.
 * @param detailed how many entries are read with details, up to the last one that has a state of the target, because the details of a year
 *   are tens of megabytes. Later entries are read with theirs, the others only with the goal of a rollback.
 */
export async function readLedger(remote: Remote, detailed: number = RECENT): Promise<Entry[]> {
  const table = ledgerName(remote);
  const details = Number.isFinite(detailed)
    ? `case when seq > settled - ${detailed} then details else to_json(named_struct('to', get_json_object(details, '$.to'))) end`
    : 'details';
  try {
    const rows = await remote.connection.rows(
      `select seq, deployment, event, cast(at as string) as at, who, commit, plan_hash, versions, ${details} as details
       from ${table} cross join (
         select coalesce(max(case when event in (${WITH_STATE.map(quoteText).join(', ')}) then seq end), 0) as settled from ${table}
       ) as recent order by seq`,
    );
    return z.array(entrySchema).parse(rows);
  } catch (error) {
    if (isNotThere(error)) return [];
    if (error instanceof z.ZodError) {
      throw new MeetupError(
        `${table} was written by a newer version of meetup: deploy with that version, or a later one.`,
        { cause: error },
      );
    }
    throw error;
  }
}

/** Adds one entry atomically: it is one commit to one table. */
export async function writeEntry(
  remote: Remote,
  identity: DeploymentIdentity,
  event: Entry['event'],
  details: EntryDetails,
): Promise<void> {
  const texts = [identity.deployment, event].map(quoteText).join(', ');
  const commit = identity.commit === null ? 'cast(null as string)' : quoteText(identity.commit);
  const rest = [identity.planHash, JSON.stringify(identity.versions), JSON.stringify(details)]
    .map(quoteText)
    .join(', ');
  await remote.connection.run(`insert into ${ledgerName(remote)}
    select (select coalesce(max(seq), 0) + 1 from ${ledgerName(remote)}), ${texts}, current_timestamp(), current_user(), ${commit}, ${rest}`);
}

/** The target's state according to the ledger. */
export function deployedNow(entries: readonly Entry[]): Deployed {
  return entries.findLast(({ details }) => details.deployed !== undefined)?.details.deployed ?? NOTHING_DEPLOYED;
}

/** Whether an entry is about a run of dbt (`runs.ts`), not about a deployment or rollback. */
const isOfRun = ({ event }: Pick<Entry, 'event'>): boolean => event.startsWith('run ');

/** A deployment or rollback that began and never ended, because its process died. */
export function interrupted(entries: readonly Entry[]): Entry | undefined {
  const last = entries.findLast((entry) => !isOfRun(entry));
  if (last?.event === 'audited') return auditedIn(entries, last.deployment);
  return last?.event === 'begun' || last?.event === 'rolling back' ? last : undefined;
}

/** The entry of a deployment that passed all tests, unless it was undone: then the entry arrived after its connection had been given up. */
export function auditedIn(entries: readonly Entry[], deployment: string): Entry | undefined {
  const own = entries.filter((entry) => entry.deployment === deployment);
  return own.some(({ event }) => event === 'undone') ? undefined : own.find(({ event }) => event === 'audited');
}

/**
 * The deployments that succeeded, oldest first. One that was undone did not, even if its end was written after its
 * connection had been given up.
 */
export function finishedIn(entries: readonly Entry[]): string[] {
  const undone = new Set(entries.filter(({ event }) => event === 'undone').map(({ deployment }) => deployment));
  return entries
    .filter(({ event, deployment }) => event === 'finished' && !undone.has(deployment))
    .map(({ deployment }) => deployment);
}

/** The target's current deployment: the last that finished or was returned to; null before the first. */
export function currentDeployment(entries: readonly Entry[]): string | null {
  const finished = new Set(finishedIn(entries));
  const last = entries.findLast(
    ({ event, deployment }) => (event === 'finished' && finished.has(deployment)) || event === 'rolled back',
  );
  if (last === undefined) return null;
  return last.event === 'finished' ? last.deployment : (last.details.to ?? null);
}

/** The deployment that was current when another one began; null if there was none. */
export function baseOf(entries: readonly Entry[], deployment: string): string | null {
  const begun = entries.findIndex((entry) => entry.deployment === deployment && entry.event === 'begun');
  return currentDeployment(entries.slice(0, Math.max(begun, 0)));
}
