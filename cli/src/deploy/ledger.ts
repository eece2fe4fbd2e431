import { z } from 'zod';
import { MeetupError } from '../config/errors.ts';
import { isNotThere } from '../warehouse/databricks-errors.ts';
import { quoteNames, quoteText } from '../warehouse/databricks-sql.ts';
import { relationStatesSchema } from './relations.ts';
import { nameOn, OWN_SCHEMA, OWN_VOLUME, type Remote } from './remote.ts';

/** What a deployment left behind, as far as the next one needs it. */
const deployedSchema = z.object({
  /** Every relation that deployments made, as it is when this entry is written. */
  relations: relationStatesSchema,
  /** A node's fingerprint when it was last built. */
  fingerprints: z.record(z.string(), z.string()),
  /** Relations that left the project with this deployment: the next one drops them. */
  retired: z.array(z.string()),
  /** Where the manifest is kept, in the volume; null before the first deployment. */
  manifest: z.string().nullable(),
});
export type Deployed = z.infer<typeof deployedSchema>;

export const NOTHING_DEPLOYED: Deployed = { relations: {}, fingerprints: {}, retired: [], manifest: null };

const detailsSchema = z.object({
  /** For `begun`: every relation that may be touched, as it was before. */
  before: relationStatesSchema.optional(),
  /** For `begun`: relations that somebody else had changed by then. */
  drifted: z.array(z.string()).optional(),
  /** For `rolling back`: how things are to be. */
  goal: deployedSchema.optional(),
  /** For those that end something: how things stand afterwards. */
  deployed: deployedSchema.optional(),
  /** Why it was undone. */
  reason: z.string().optional(),
  /** For a rollback: the deployment that was gone back to; null for before the first. */
  to: z.string().nullable().optional(),
  models: z.record(z.string(), z.string()).optional(),
  batches: z.array(z.string()).optional(),
});
export type EntryDetails = z.infer<typeof detailsSchema>;

/** `begun` or `rolling back` without an end: the process died. */
const EVENTS = ['begun', 'finished', 'undone', 'rolling back', 'rolled back'] as const;

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

/** Who deploys what: the same in all entries of one deployment. */
export interface DeploymentIdentity {
  readonly deployment: string;
  readonly commit: string | null;
  readonly planHash: string;
  readonly versions: Readonly<Record<string, string>>;
}

const ledgerName = (remote: Remote): string => nameOn(remote, OWN_SCHEMA, 'deployments');

/** Makes our schema, the volume and the table of deployments where they are missing. */
export async function prepareLedger(remote: Remote): Promise<void> {
  const { connection, catalog } = remote;
  await connection.run(`create schema if not exists ${quoteNames(catalog, OWN_SCHEMA)}`);
  await connection.run(`create volume if not exists ${nameOn(remote, OWN_SCHEMA, OWN_VOLUME)}`);
  await connection.run(`create table if not exists ${ledgerName(remote)} (
    seq bigint, deployment string, event string, at timestamp, who string, commit string, plan_hash string,
    versions string, details string) using delta`);
}

/** How many entries a deployment needs whole: the last one of its own kind, and what a process that died left. */
const RECENT = 30;
/** All of them, as a way back to any deployment needs them. */
export const WHOLE = Number.POSITIVE_INFINITY;

/**
 * All entries, oldest first; none where nothing was ever deployed.
 * @param detailed of how many, the newest, the details are read: those of a year are tens of megabytes. Of the others it
 *   is only known where a rollback led.
 */
export async function readLedger(remote: Remote, detailed: number = RECENT): Promise<Entry[]> {
  const table = ledgerName(remote);
  const details = Number.isFinite(detailed)
    ? `case when seq > newest - ${detailed} then details else to_json(named_struct('to', get_json_object(details, '$.to'))) end`
    : 'details';
  try {
    const rows = await remote.connection.rows(
      `select seq, deployment, event, cast(at as string) as at, who, commit, plan_hash, versions, ${details} as details
       from ${table} cross join (select max(seq) as newest from ${table}) as recent order by seq`,
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

/** Adds one entry: one commit to one table, so it is there or not. */
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

/** How things stand according to the ledger. */
export function deployedNow(entries: readonly Entry[]): Deployed {
  return entries.findLast(({ details }) => details.deployed !== undefined)?.details.deployed ?? NOTHING_DEPLOYED;
}

/** A deployment or a rollback that began and never ended: its process died. */
export function interrupted(entries: readonly Entry[]): Entry | undefined {
  const last = entries.at(-1);
  return last?.event === 'begun' || last?.event === 'rolling back' ? last : undefined;
}

/**
 * The deployments that ended well, oldest first. One that was undone did not, even where its end was written when its
 * connection had been given up already.
 */
export function finishedIn(entries: readonly Entry[]): string[] {
  const undone = new Set(entries.filter(({ event }) => event === 'undone').map(({ deployment }) => deployment));
  return entries
    .filter(({ event, deployment }) => event === 'finished' && !undone.has(deployment))
    .map(({ deployment }) => deployment);
}

/** The deployment that the target stands at: the last that finished, or that was gone back to; null before the first. */
export function currentDeployment(entries: readonly Entry[]): string | null {
  const finished = new Set(finishedIn(entries));
  const last = entries.findLast(
    ({ event, deployment }) => (event === 'finished' && finished.has(deployment)) || event === 'rolled back',
  );
  if (last === undefined) return null;
  return last.event === 'finished' ? last.deployment : (last.details.to ?? null);
}

/** The deployment that another one was made from: what the target stood at when it began; null where there was none. */
export function baseOf(entries: readonly Entry[], deployment: string): string | null {
  const begun = entries.findIndex((entry) => entry.deployment === deployment && entry.event === 'begun');
  return currentDeployment(entries.slice(0, Math.max(begun, 0)));
}

/**
 * How things stood at a deployment when the target was last there: putting back gives tables new versions with the old
 * rows, so what counts is the last entry, not the deployment's own.
 */
export function deployedAt(entries: readonly Entry[], deployment: string | null): Deployed {
  if (deployment === null) return NOTHING_DEPLOYED;
  const last = entries.findLast(
    ({ details }, i) => details.deployed !== undefined && currentDeployment(entries.slice(0, i + 1)) === deployment,
  );
  return last?.details.deployed ?? NOTHING_DEPLOYED;
}
