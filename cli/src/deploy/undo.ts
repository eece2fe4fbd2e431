import { messageOf } from '../config/errors.ts';
import { connectTarget } from '../targets/target.ts';
import type { DeployContext, LockedContext } from './context.ts';
import {
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
import { carryOut, type Move, movesTo, type PutBack } from './put-back.ts';
import { listSchemas, type RelationStates, readStates, stateOf } from './relations.ts';
import { type Remote, schemasOf } from './remote.ts';
import { withOtherCode } from './runs.ts';

/** The outcome of undoing a deployment. */
export interface Undone extends PutBack {
  readonly deployment: string;
  /** Why, in words. */
  readonly reason: string;
}

/**
 * Undoes a deployment: every relation that it may have touched is put back. Uses a new connection, because the deployment
 * may have failed by losing its own.
 * @returns undefined if the deployment had in fact succeeded: its record arrived, but the answer did not.
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
    return await undoBegun(remote, identity, entries, reason);
  } finally {
    await connection.close();
  }
}

/**
 * Finishes the work of a dead process: a deployment is undone, a rollback is completed. The caller holds the lock.
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
  const deployed = withOtherCode(deployedNow(entries), entries);
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
}

/** Plans the rollback, and changes nothing. Relations that the goal lacks are kept, so that the rollback can be reverted. */
export async function wayBack(remote: Remote, entries: readonly Entry[], goal: Deployed): Promise<WayBack> {
  const now = deployedNow(entries);
  const touched = [...new Set([...Object.keys(now.relations), ...Object.keys(goal.relations)])];
  // A relation that had left the project by then need not be restored.
  const listing = await listSchemas(remote, schemasOf(touched));
  const relations = touched.filter((relation) => listing.has(relation) || !goal.retired.includes(relation));
  const wanted = Object.fromEntries(relations.map((relation) => [relation, stateOf(goal.relations, relation)]));
  return { relations, moves: await movesTo(remote, wanted, { keep: true }) };
}

/** Puts every relation back to its state at an earlier deployment, and records that. */
export async function goBackTo(
  remote: Remote,
  identity: DeploymentIdentity,
  { moves, relations }: WayBack,
  goal: Deployed,
  to: string | null,
): Promise<PutBack> {
  const result = await carryOut(remote, moves);
  const failed = new Set(result.failed.map(({ relation }) => relation));
  const asWanted = relations.filter((relation) => !failed.has(relation));
  await writeEntry(remote, identity, 'rolled back', {
    to,
    deployed: { ...goal, relations: await statesAfter(remote, goal.relations, asWanted) },
  });
  return result;
}

/** One sentence for an undo that failed. */
export const notUndone = (target: string, error: unknown): string =>
  `It could not be put back now (${messageOf(error).split('\n')[0]}): the next \`./meetup deploy\` or \`./meetup rollback\` for ${target} does it first.`;
