import type { Deployed, Entry } from './ledger.ts';
import { type Commit, type RelationStates, stateOf, versionOf } from './relations.ts';

/**
 * A run of dbt on the target outside `deploy`: the bundle's job, or a person's. The macros in dbt/macros/deployment record them in the ledger, and
 * they hold the lease while they write.
 */
export interface Run {
  readonly id: string;
  readonly who: string;
  /** The job's id in Databricks; empty for a person's run. */
  readonly job: string;
  /** The commit whose code it ran; null if that isn't known. */
  readonly commit: string | null;
  /** When it began and ended, as the ledger has it (UTC). */
  readonly begunAt: string;
  readonly endedAt: string | undefined;
  readonly outcome: 'finished' | 'failed' | 'died' | undefined;
  /** Whether it was a build in which everything passed. */
  readonly passed: boolean;
  /** How long its lease held. */
  readonly leaseMs: number;
  /** The relations that it may have written (`schema.name`). */
  readonly relations: readonly string[];
  /** The tables among them as it found them. */
  readonly before: RelationStates;
}

/** As in dbt/macros/deployment/lease.sql. */
const LEASE_MINUTES = 120;

const OUTCOMES = { 'run finished': 'finished', 'run failed': 'failed', 'run died': 'died' } as const;

/** Whether an event ends a run. */
export const isEnd = (event: Entry['event']): event is keyof typeof OUTCOMES => event in OUTCOMES;

/** All runs, oldest first. */
export function runsIn(entries: readonly Entry[]): Run[] {
  const ends = new Map(entries.filter(({ event }) => isEnd(event)).map((entry) => [entry.deployment, entry]));
  return entries
    .filter(({ event }) => event === 'run begun')
    .map(({ deployment: id, who, commit, at, details }) => {
      const end = ends.get(id);
      return {
        id,
        who,
        job: details.run?.job ?? '',
        commit,
        begunAt: at,
        endedAt: end?.at,
        passed: end?.details.passed ?? false,
        leaseMs: (details.run?.lease_minutes ?? LEASE_MINUTES) * 60_000,
        outcome: end !== undefined && isEnd(end.event) ? OUTCOMES[end.event] : undefined,
        relations: details.selected ?? [],
        before: details.before ?? {},
      };
    });
}

/** Runs that have not ended: one that is writing now, and others that died. */
export const openRuns = (entries: readonly Entry[]): Run[] =>
  runsIn(entries).filter(({ outcome }) => outcome === undefined);

/**
 * Finds out whether a commit to a table was a run's: made while that run held the lease, by the same user, if Delta's history names users.
 */
export function commitsOf(runs: readonly Run[]): (commit: Commit) => boolean {
  const intervals = runs.map(({ who, begunAt, endedAt, outcome, leaseMs }) => {
    const from = momentOf(begunAt);
    const end = endedAt === undefined ? Number.POSITIVE_INFINITY : momentOf(endedAt);
    // A run only records its own end if it still holds the lease, however long it took. That one died may be noticed days later.
    const isOwnEnd = outcome === 'finished' || outcome === 'failed';
    return { who, from, to: isOwnEnd ? end : Math.min(from + leaseMs, end) };
  });
  return ({ timestamp, userName }) => {
    const at = momentOf(timestamp);
    return intervals.some(({ who, from, to }) => from <= at && at <= to && (!userName || userName === who));
  };
}

/** Milliseconds since the epoch of a moment as the target writes it, in UTC. */
const momentOf = (text: string): number => Date.parse(`${text.trim().replace(' ', 'T')}Z`);

/** The state of the last deployment, with what runs since then built from other code, and what has not passed since. */
export function withRuns(deployed: Deployed, entries: readonly Entry[]): Deployed {
  const settled = entries.findLastIndex(({ details }) => details.deployed !== undefined);
  const otherCode = new Map(Object.entries(deployed.otherCode ?? {}));
  const unpassed = new Map(Object.entries(deployed.unpassed ?? {}));
  for (const { commit, passed, relations, before } of runsIn(entries.slice(settled + 1))) {
    for (const relation of relations) {
      // All of them, because a later run adds to what an earlier one built.
      const others = otherCode.get(relation) ?? [];
      const isOther = commit === null || commit !== deployed.commit;
      if (isOther && !others.includes(commit)) otherCode.set(relation, [...others, commit]);
      if (passed) unpassed.delete(relation);
      else if (!unpassed.has(relation)) unpassed.set(relation, versionOf(stateOf(before, relation)));
    }
  }
  return {
    ...deployed,
    ...(otherCode.size === 0 ? {} : { otherCode: Object.fromEntries(otherCode) }),
    unpassed: unpassed.size === 0 ? undefined : Object.fromEntries(unpassed),
  };
}

/** What a sentence calls a run. */
export const nameOfRun = ({ id, job, who }: Run): string =>
  `Run ${id}${job === '' ? '' : ` of job ${job}`} (begun by ${who})`;
