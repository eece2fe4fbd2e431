import { z } from 'zod';
import { MeetupError } from '../config/errors.ts';
import { type RelationStates, relationStatesSchema } from '../deploy/relations.ts';
import { nameOn, OWN_SCHEMA, type Remote } from '../deploy/remote.ts';
import { isNotThere } from '../warehouse/databricks-errors.ts';
import { quoteNames, quoteText } from '../warehouse/databricks-sql.ts';

const detailsSchema = z.object({
  /** For `begun`: the dbt project. */
  project: z.string().optional(),
  /** For `begun`: whether there were uncommitted changes. */
  dirty: z.boolean().optional(),
  /** For `begun` and `expired`: when the branch may be dropped (ISO 8601). */
  expiresAt: z.string().optional(),
  /** For `begun`: the deployment that the branch is based on. */
  base: z.string().optional(),
  /** For `begun`: every schema that the branch may create, also of earlier runs. */
  schemas: z.array(z.string()).optional(),
  /** For `begun`: the relations in the branch (`schema.name`), by unique id. */
  relations: z.record(z.string(), z.string()).optional(),
  /** For `begun`: unique ids of what is about to be built, so that what is there no longer counts. */
  stale: z.array(z.string()).optional(),
  /** For `built` and `finished`: what was built or passed, by unique id, with the key of its code and inputs. */
  keys: z.record(z.string(), z.string()).optional(),
  /** For `finished`: names of models and tests that failed. */
  failed: z.array(z.string()).optional(),
  /** For `finished`: the size of the files that the branch has written for itself. */
  bytes: z.number().optional(),
  /** For `finished`: the tables outside the branch that all of it was built from, if they are known not to have changed meanwhile. */
  inputs: relationStatesSchema.optional(),
  /** For `finished`, with `inputs`: the tables in the branch (`schema.name`). */
  made: relationStatesSchema.optional(),
});
export type BranchDetails = z.infer<typeof detailsSchema>;

const EVENTS = ['begun', 'built', 'finished', 'expired', 'dropped'] as const;

const entrySchema = z.object({
  branch: z.string(),
  event: z.enum(EVENTS),
  at: z.string(),
  who: z.string(),
  commit: z.string().nullable(),
  details: z.string().transform((text) => detailsSchema.parse(JSON.parse(text))),
});
export type BranchEntry = z.infer<typeof entrySchema>;

/** A branch that exists, according to what was recorded. */
export interface BranchRecord {
  readonly name: string;
  readonly project: string;
  /** When it was first built (UTC). */
  readonly createdAt: string;
  /** Who built it last, when, and from which commit. */
  readonly who: string;
  readonly builtAt: string;
  readonly commit: string | null;
  readonly dirty: boolean;
  readonly expiresAt: string;
  readonly base: string | null;
  /** `building`: a process is at work, or died. */
  readonly status: 'building' | 'built' | 'failed';
  readonly schemas: readonly string[];
  /** The relations in it (`schema.name`), by unique id. */
  readonly relations: Readonly<Record<string, string>>;
  /** The keys of what was built and of the tests that passed, by unique id. */
  readonly keys: Readonly<Record<string, string>>;
  /** The size of its own files, if it was built. */
  readonly bytes: number | null;
  /** The versions that all of it was built from, and those of its own tables; undefined if that isn't known for sure. */
  readonly versions: { readonly inputs: RelationStates; readonly made: RelationStates } | undefined;
}

const tableName = (remote: Remote): string => nameOn(remote, OWN_SCHEMA, 'branches');

/** Creates meetup's schema and the table of branches if they are missing. */
export async function prepareRecords(remote: Remote): Promise<void> {
  await remote.connection.run(`create schema if not exists ${quoteNames(remote.catalog, OWN_SCHEMA)}`);
  await remote.connection.run(
    `create table if not exists ${tableName(remote)} (branch string, event string, at timestamp, who string, commit string, details string) using delta`,
  );
}

/** Adds one entry. Entries are only ever appended, so that branches never wait for each other. */
export async function writeBranchEntry(
  remote: Remote,
  branch: string,
  event: BranchEntry['event'],
  details: BranchDetails,
  commit: string | null = null,
): Promise<void> {
  const texts = [branch, event].map(quoteText).join(', ');
  const of = commit === null ? 'cast(null as string)' : quoteText(commit);
  await remote.connection.run(
    `insert into ${tableName(remote)} select ${texts}, current_timestamp(), current_user(), ${of}, ${quoteText(JSON.stringify(details))}`,
  );
}

/** The branches that exist, in the order of their names. */
export async function readBranches(remote: Remote): Promise<BranchRecord[]> {
  const table = tableName(remote);
  try {
    const rows = await remote.connection.rows(
      `select branch, event, cast(at as string) as at, who, commit, details from ${table} order by at`,
    );
    return branchesIn(z.array(entrySchema).parse(rows));
  } catch (error) {
    if (isNotThere(error)) return [];
    if (error instanceof z.ZodError) {
      throw new MeetupError(`${table} was written by a newer version of meetup: use that version, or a later one.`, {
        cause: error,
      });
    }
    throw error;
  }
}

/** Replays the entries, oldest first. */
export function branchesIn(entries: readonly BranchEntry[]): BranchRecord[] {
  const found = new Map<string, BranchRecord>();
  for (const entry of entries) {
    const before = found.get(entry.branch);
    if (entry.event === 'dropped') found.delete(entry.branch);
    else if (entry.event === 'begun') found.set(entry.branch, begun(entry, before));
    // An entry that arrives after the branch was dropped is of a process that had been given up.
    else if (before !== undefined) found.set(entry.branch, continued(entry, before));
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function begun({ branch, at, who, commit, details }: BranchEntry, before: BranchRecord | undefined): BranchRecord {
  const { project = '', dirty = false, expiresAt = '', base, schemas = [], relations = {}, stale = [] } = details;
  const keys = Object.entries(before?.keys ?? {}).filter(([uniqueId]) => !stale.includes(uniqueId));
  return {
    name: branch,
    project,
    createdAt: before?.createdAt ?? at,
    who,
    builtAt: at,
    commit,
    dirty,
    expiresAt,
    base: base ?? null,
    status: 'building',
    schemas: [...new Set([...(before?.schemas ?? []), ...schemas])],
    relations,
    keys: Object.fromEntries(keys),
    bytes: before?.bytes ?? null,
    versions: undefined,
  };
}

function continued({ event, details }: BranchEntry, before: BranchRecord): BranchRecord {
  const { keys = {}, failed = [], bytes, expiresAt = before.expiresAt, inputs, made } = details;
  return {
    ...before,
    expiresAt,
    keys: { ...before.keys, ...keys },
    bytes: bytes ?? before.bytes,
    ...(event !== 'finished'
      ? {}
      : {
          status: failed.length === 0 ? 'built' : 'failed',
          versions: inputs === undefined || made === undefined ? undefined : { inputs, made },
        }),
  };
}

/** Whether a branch has outlived its lifetime. @param now epoch milliseconds */
export const isExpired = ({ expiresAt }: Pick<BranchRecord, 'expiresAt'>, now: number): boolean =>
  expiresAt !== '' && Date.parse(expiresAt) <= now;
