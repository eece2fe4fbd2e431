import { MeetupError } from '../config/errors.ts';
import { type DeployContext, identityOf } from './context.ts';
import { currentDeployment, type Deployed, type Entry, NOTHING_DEPLOYED, writeEntry } from './ledger.ts';
import type { PutBack } from './relations.ts';
import { goBackTo } from './undo.ts';

/** Where a rollback leads. */
export interface RollbackGoal {
  /** The deployment that the target stands at now. */
  readonly from: string;
  /** The one to go back to; null for before the first. */
  readonly to: string | null;
  readonly deployed: Deployed;
}

/**
 * The state to go back to: that of a deployment by name, or of the one before the present one.
 * @throws MeetupError where nothing was deployed, or no such deployment ended well.
 */
export function rollbackGoal(entries: readonly Entry[], to: string | undefined, target: string): RollbackGoal {
  const from = currentDeployment(entries);
  const finished = entries.filter(({ event }) => event === 'finished');
  if (from === null) throw new MeetupError(`Nothing is deployed to ${target}: there is nothing to go back from.`);
  if (to === undefined) {
    const before = finished[finished.findIndex(({ deployment }) => deployment === from) - 1];
    return { from, to: before?.deployment ?? null, deployed: before?.details.deployed ?? NOTHING_DEPLOYED };
  }
  const wanted = finished.find(({ deployment }) => deployment === to);
  if (wanted !== undefined) return { from, to, deployed: wanted.details.deployed ?? NOTHING_DEPLOYED };
  const known = finished.slice(-5).map(({ deployment }) => deployment);
  throw new MeetupError(`${target} knows no deployment ${to}: the last are ${known.join(', ')}.`);
}

/** Goes back. What the ledger says first lets the next deployment carry it through, should this process die. */
export async function rollBack(
  context: DeployContext,
  id: string,
  entries: readonly Entry[],
  goal: RollbackGoal,
): Promise<PutBack> {
  const identity = identityOf(context, id, '');
  await writeEntry(context.remote, identity, 'rolling back', { to: goal.to, goal: goal.deployed });
  context.effects.reporter.progress(`going back to ${goal.to ?? 'before the first deployment'}`);
  return goBackTo(context.remote, identity, entries, goal.deployed, goal.to);
}
