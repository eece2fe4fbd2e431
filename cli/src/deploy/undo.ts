import { reasonOf } from '../config/explain.ts';
import { connectTarget } from '../targets/target.ts';
import type { DeployContext, LockedContext } from './context.ts';
import {
  auditedIn,
  type Deployed,
  type DeploymentIdentity,
  deployedNow,
  type Entry,
  finishedIn,
  interrupted,
  NOTHING_DEPLOYED,
  readLedger,
  writeEntry,
} from './ledger.ts';
import { publishViews, unpinViews } from './publish/views.ts';
import { showEarlier, showRestored, type ViewsBack, viewsBack } from './publish/views-back.ts';
import { carryOut, type Move, movesTo, type PutBack } from './put-back.ts';
import { listSchemas, type RelationStates, readStates, stateOf } from './relations.ts';
import { type Remote, schemasOf } from './remote.ts';
import { withRuns } from './runs.ts';

/** The outcome of undoing a deployment. */
export interface Undone extends PutBack {
  readonly deployment: string;
  /** Why, in words. */
  readonly reason: string;
  /** Whether it had passed all tests, so that it was finished instead. */
  readonly isPublished?: boolean;
}

/**
 * Undoes a deployment: every relation that it may have touched is put back. Uses a new connection, because the deployment
 * may have failed by losing its own.
 * @returns undefined if the deployment had in fact succeeded: its record arrived, but the answer did not. If it had passed all tests, its
 *   publication is finished instead.
 * @throws any error that prevents it; the next deployment or rollback then undoes the deployment.
 */
export async function undo(
  context: LockedContext,
  identity: DeploymentIdentity,
  reason: string,
): Promise<Undone | undefined> {
  const connection = await connectTarget(context.target, { ...context.effects, signal: new AbortController().signal });
  try {
    const remote = { connection, catalog: context.remote.catalog };
    await context.lease.requireHeld(remote);
    const entries = await readLedger(remote);
    if (finishedIn(entries).includes(identity.deployment)) return undefined;
    const audited = auditedIn(entries, identity.deployment);
    if (audited !== undefined) {
      await finish(remote, identity, audited);
      return undefined;
    }
    return await undoBegun(remote, identity, entries, reason);
  } finally {
    await connection.close();
  }
}

/**
 * Finishes the work of a dead process: a deployment is undone or, if it had passed all tests, published; a rollback is completed. The
 * caller holds the lock.
 * @returns undefined if there was none.
 */
export async function recover(context: DeployContext, entries: readonly Entry[]): Promise<Undone | undefined> {
  const left = interrupted(entries);
  if (left === undefined) return undefined;
  const identity = identityIn(left);
  if (left.event === 'begun') {
    context.effects.reporter.progress(`putting back deployment ${left.deployment}, which was interrupted`);
    return undoBegun(context.remote, identity, entries, 'its process ended before it had finished');
  }
  if (left.event === 'audited') {
    context.effects.reporter.progress(`publishing deployment ${left.deployment}, which was interrupted`);
    await finish(context.remote, identity, left);
    return {
      deployment: left.deployment,
      reason: 'it had passed all tests when its process ended',
      restored: [],
      failed: [],
      isPublished: true,
    };
  }
  context.effects.reporter.progress(`finishing rollback ${left.deployment}, which was interrupted`);
  const goal = left.details.goal ?? NOTHING_DEPLOYED;
  const way = await wayBack(context.remote, entries, goal);
  const done = await goBackTo(context.remote, identity, way, goal, left.details.to ?? null);
  return { ...done, deployment: left.deployment, reason: 'the rollback was interrupted, and is finished now' };
}

const identityIn = (entry: Entry): DeploymentIdentity => ({
  deployment: entry.deployment,
  commit: entry.commit,
  planHash: entry.plan_hash,
  versions: {},
});

/** Publishes what a deployment has built and tested, and records that. Can be repeated. */
async function finish(remote: Remote, identity: DeploymentIdentity, { details }: Entry): Promise<void> {
  const { goal: deployed = NOTHING_DEPLOYED, publishes = [], models = {}, batches = [] } = details;
  await publishViews(remote, publishes);
  await writeEntry(remote, identity, 'finished', { deployed, models, batches });
}

/** @internal Exported for its test. */
export async function undoBegun(
  remote: Remote,
  identity: DeploymentIdentity,
  entries: readonly Entry[],
  reason: string,
): Promise<Undone> {
  const begun = entries.findLast(({ deployment, event }) => deployment === identity.deployment && event === 'begun');
  const before = begun?.details.before ?? {};
  const result = await putBackForSure(remote, before);
  const lost = new Set(result.failed.map(({ relation }) => relation));
  const pinned = Object.entries(begun?.details.pinned ?? {});
  // The readers of a table that could not be put back keep seeing its earlier version.
  await unpinViews(remote, Object.fromEntries(pinned.filter(([, of]) => !lost.has(of))));
  const deployed = withRuns(deployedNow(entries), entries);
  // Drift must still be reported as drift the next time.
  const drifted = new Set([...(begun?.details.drifted ?? []), ...result.failed.map(({ relation }) => relation)]);
  const asDeployed = Object.keys(before).filter((relation) => !drifted.has(relation));
  await writeEntry(remote, identity, 'undone', {
    reason,
    deployed: { ...deployed, relations: await statesAfter(remote, deployed.relations, asDeployed) },
  });
  return { ...result, deployment: identity.deployment, reason };
}

/**
 * Puts relations back, then checks again: statements sent by a process that died, an engine that stopped or a broken
 * connection may have arrived meanwhile. After the fence, none of them can.
 */
async function putBackForSure(remote: Remote, wanted: RelationStates): Promise<PutBack> {
  const first = await carryOut(remote, await movesTo(remote, wanted, { fence: true }));
  const second = await carryOut(remote, await movesTo(remote, wanted, { again: true }));
  return { restored: [...new Set([...first.restored, ...second.restored])].sort(), failed: second.failed };
}

/** The relations of a ledger entry, updated for those that were put back. */
async function statesAfter(remote: Remote, known: RelationStates, touched: readonly string[]): Promise<RelationStates> {
  const listing = await listSchemas(remote, schemasOf(touched));
  const now = await readStates(remote, listing, touched);
  return Object.fromEntries(Object.entries({ ...known, ...now }).filter(([, { kind }]) => kind !== 'absent'));
}

/** The statements that return the target to its state after a deployment. */
export interface WayBack {
  readonly moves: readonly Move[];
  /** The relations that will match the goal. */
  readonly relations: readonly string[];
  /** What readers see meanwhile. */
  readonly views: ViewsBack;
}

/** Plans the rollback, and changes nothing. Relations that the goal lacks are kept, so that the rollback can be reverted. */
export async function wayBack(remote: Remote, entries: readonly Entry[], goal: Deployed): Promise<WayBack> {
  const now = deployedNow(entries);
  const touched = [...new Set([...Object.keys(now.relations), ...Object.keys(goal.relations)])];
  // A relation that had left the project by then need not be restored.
  const listing = await listSchemas(remote, schemasOf(touched));
  const relations = touched.filter((relation) => listing.has(relation) || !goal.retired.includes(relation));
  const wanted = Object.fromEntries(relations.map((relation) => [relation, stateOf(goal.relations, relation)]));
  const moves = await movesTo(remote, wanted, { keep: true });
  return { relations, moves, views: await viewsBack(remote, now, goal, moves) };
}

/**
 * Puts every relation back to its state at an earlier deployment, and records that. Readers see the earlier versions at once, before the
 * tables are restored one after the other.
 */
export async function goBackTo(
  remote: Remote,
  identity: DeploymentIdentity,
  { moves, relations, views }: WayBack,
  goal: Deployed,
  to: string | null,
): Promise<PutBack> {
  await showEarlier(remote, views);
  const result = await carryOut(remote, moves);
  const failed = new Set(result.failed.map(({ relation }) => relation));
  await showRestored(remote, views, failed);
  const asWanted = relations.filter((relation) => !failed.has(relation));
  await writeEntry(remote, identity, 'rolled back', {
    to,
    deployed: { ...goal, relations: await statesAfter(remote, goal.relations, asWanted) },
  });
  return result;
}

/** One sentence for an undo that failed. */
export const notUndone = (target: string, error: unknown): string =>
  `It could not be put back now (${reasonOf(error)}): the next \`./meetup deploy\` or \`./meetup rollback\` for ${target} does it first.`;

/** One sentence for a publication that failed. */
export const notPublished = (target: string, error: unknown): string =>
  `It passed all tests, but could not be published completely now (${reasonOf(error)}): the next \`./meetup deploy\` or \`./meetup rollback\` for ${target} finishes that first.`;
