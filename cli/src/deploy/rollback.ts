import { broughtToEnd } from '../config/effects.ts';
import { MeetupError } from '../config/errors.ts';
import { firstFew } from '../text/first-few.ts';
import { type DeployContext, identityOf } from './context.ts';
import { baseOf, currentDeployment, type Deployed, deployedNow, type Entry, finishedIn, writeEntry } from './ledger.ts';
import type { PutBack } from './put-back.ts';
import { runsIn } from './runs.ts';
import { lengthAt, stateAfter } from './states.ts';
import { goBackTo, wayBack } from './undo.ts';

/** The start and the goal of a rollback. */
export interface RollbackGoal {
  /** The runs of dbt since then, which the rollback undoes. */
  readonly undoes: readonly string[];
  /** The target's current deployment; null for before the first. */
  readonly from: string | null;
  /** The deployment to return to; null for before the first. */
  readonly to: string | null;
  readonly deployed: Deployed;
}

/**
 * The state to return to: that of the named deployment, or of the one before the current one.
 * @param before instead, the state in which this deployment or run of dbt found the target.
 * @throws MeetupError if nothing was deployed, or no such deployment succeeded.
 */
export function rollbackGoal(
  entries: readonly Entry[],
  to: string | undefined,
  target: string,
  before?: string,
): RollbackGoal {
  if (before !== undefined) return goalBefore(entries, before, target);
  const from = currentDeployment(entries);
  if (from === null && to === undefined) {
    throw new MeetupError(`Nothing is deployed to ${target}, so there is nothing to roll back.`);
  }
  const goal = to ?? (from === null ? null : baseOf(entries, from));
  const finished = finishedIn(entries);
  if (goal !== null && !finished.includes(goal)) {
    const known =
      finished.length === 0 ? 'none finished successfully' : `the last are ${finished.slice(-5).join(', ')}`;
    throw new MeetupError(`${target} has no deployment ${goal}: ${known}.`);
  }
  return goalAt(entries, lengthAt(entries, goal), goal, target);
}

/**
 * The state in which a deployment or a run of dbt found the target.
 * @throws MeetupError if the ledger has none with this id.
 */
function goalBefore(entries: readonly Entry[], id: string, target: string): RollbackGoal {
  const at = entries.findIndex(({ deployment }) => deployment === id);
  if (at < 0) throw new MeetupError(`${target} has no deployment and no run of dbt called ${id}.`);
  return goalAt(entries, at, currentDeployment(entries.slice(0, at)), target);
}

/** The goal of going back to the state after the first `length` entries. */
function goalAt(entries: readonly Entry[], length: number, to: string | null, target: string): RollbackGoal {
  const deployed = stateAfter(entries.slice(0, length));
  if (holdsForgotten(deployed, deployedNow(entries))) {
    throw new MeetupError(
      `${target} can't go back to ${placeOf(to)}: something was forgotten since, and its tables still held it then.`,
    );
  }
  const undoes = runsIn(entries.slice(length)).map(({ id }) => id);
  return { from: currentDeployment(entries), to, deployed, undoes };
}

/**
 * The target may have changed while a person was asked or another deployment was waited for.
 * @throws MeetupError if the rollback would now have another start or goal than was confirmed.
 */
export function requireSameGoal(agreed: RollbackGoal, now: RollbackGoal, target: string): void {
  const isSame = agreed.from === now.from && agreed.to === now.to;
  if (isSame && agreed.undoes.length === now.undoes.length) return;
  if (isSame) {
    throw new MeetupError(
      `dbt ran on ${target} in the meantime, which the rollback would undo as well. Nothing was changed: roll back again to confirm that.`,
    );
  }
  throw new MeetupError(
    `${target} is now at ${placeOf(now.from)}, not at ${placeOf(agreed.from)}: somebody deployed in the meantime. Nothing was changed: check the deployments again, then choose one with --to.`,
  );
}

/**
 * Rolls back. The goal is recorded in the ledger first, so that the next deployment can finish it if this process dies.
 * @param force roll back even if some relations can't be restored.
 * @throws MeetupError if some can't be restored, before anything is changed.
 */
export async function rollBack(
  context: Pick<DeployContext, 'remote' | 'effects' | 'target' | 'git' | 'versions'>,
  id: string,
  entries: readonly Entry[],
  goal: RollbackGoal,
  force: boolean,
): Promise<PutBack> {
  const identity = identityOf(context, id, '');
  const way = await wayBack(context.remote, entries, goal.deployed);
  const lost = way.moves.flatMap((move) => move.lost ?? []);
  if (lost.length > 0 && !force) {
    const { shown, more } = firstFew(lost);
    const rest = more > 0 ? ` And ${more} more.` : '';
    throw new MeetupError(
      `${context.target.name} can't go back to ${placeOf(goal.to)} completely: ${shown.join(' ')}${rest} Nothing was changed; --force puts back the rest.`,
    );
  }
  await writeEntry(context.remote, identity, 'rolling back', { to: goal.to, goal: goal.deployed });
  context.effects.reporter.progress(`going back to ${placeOf(goal.to)}`);
  return broughtToEnd(context.effects, goBackTo(context.remote, identity, way, goal.deployed, goal.to));
}

/** Whether tables of an earlier state may hold something that was forgotten since. */
function holdsForgotten({ relations, forgotten = [] }: Deployed, now: Deployed): boolean {
  const hasTables = Object.values(relations).some(({ kind }) => kind === 'table');
  return hasTables && (now.forgotten ?? []).some((id) => !forgotten.includes(id));
}

/** The name of a deployment in messages. */
export const placeOf = (deployment: string | null): string => deployment ?? 'before the first deployment';
