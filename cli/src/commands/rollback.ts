import type { Effects } from '../config/effects.ts';
import { MeetupError } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import type { CommandResult } from '../config/result.ts';
import { type DeployContext, newDeploymentId } from '../deploy/context.ts';
import { noteDeadRuns } from '../deploy/dead-runs.ts';
import { currentDeployment, interrupted, readLedger, WHOLE } from '../deploy/ledger.ts';
import { inNewSession, withTarget } from '../deploy/open.ts';
import { placeOf, type RollbackGoal, requireSameGoal, rollBack, rollbackGoal } from '../deploy/rollback.ts';
import { recover, type Undone } from '../deploy/undo.ts';
import { withLease } from '../deploy/with-lease.ts';
import type { RemoteName } from '../targets/target.ts';

export interface RollbackOptions {
  readonly paths: Paths;
  readonly target: RemoteName;
  /** The deployment to return to; the one before the last by default. */
  readonly to?: string | undefined;
  /** Instead of `to`: the state in which this deployment or run of dbt found the target. */
  readonly before?: string | undefined;
  readonly yes?: boolean | undefined;
  /** Rolls back even if some tables can't be restored. */
  readonly force?: boolean | undefined;
  /** Asks for confirmation; undefined if there is no terminal. */
  readonly confirm?: (goal: RollbackGoal, target: RemoteName) => Promise<boolean>;
}

export interface RollbackReport {
  /** `published`: a deployment that had passed all tests was finished instead; the next rollback starts from it. */
  readonly status: 'rolled back' | 'undone' | 'published' | 'declined';
  readonly target: RemoteName;
  /** The target's current deployment; null for before the first. */
  readonly to: string | null;
  readonly restored: readonly string[];
  readonly failed: readonly { readonly relation: string; readonly reason: string }[];
  /** The runs of dbt whose work is undone. */
  readonly undoes?: readonly string[];
  /** An earlier deployment or rollback that was interrupted. */
  readonly recovered?: Undone;
  /** Milliseconds. */
  readonly ms: number;
}

/**
 * Returns every table to its state at an earlier deployment. If the last one was interrupted and no deployment is named,
 * only that one is undone or, if it had passed all tests, published.
 * @throws MeetupError if there is nothing to roll back, the deployment is unknown, or nobody confirms.
 */
export async function run(options: RollbackOptions, effects: Effects): Promise<CommandResult<RollbackReport>> {
  const started = effects.clock.elapsed();
  const { paths, target, to, before, yes, force = false, confirm } = options;
  if (to !== undefined && before !== undefined) {
    throw new MeetupError('--to and --before name two goals: give one of them.');
  }
  if (!yes && confirm === undefined) {
    throw new MeetupError(`There is no terminal to confirm: pass --yes to roll ${target} back.`);
  }
  return withTarget({ paths, target }, effects, async (context) => {
    const ended = (exitCode: 0 | 1, report: Omit<RollbackReport, 'target' | 'ms'>): CommandResult<RollbackReport> => ({
      exitCode,
      report: { ...report, target, ms: effects.clock.elapsed() - started },
    });
    const seen = await readLedger(context.remote, WHOLE);
    const isInterrupted = interrupted(seen) !== undefined;
    const isNamed = to !== undefined || before !== undefined;
    const intended = isInterrupted && !isNamed ? undefined : rollbackGoal(seen, to, target, before);
    if (!yes && intended !== undefined && !(await confirm?.(intended, target))) {
      return ended(1, { status: 'declined', to: intended.from, restored: [], failed: [] });
    }
    const id = newDeploymentId(effects);
    const goThere = (here: DeployContext) =>
      withLease(here, id, async () => {
        const recovered = await recover(here, await noteDeadRuns(here, await readLedger(here.remote, WHOLE), WHOLE));
        const rest = recovered === undefined ? {} : { recovered };
        const entries = await readLedger(here.remote, WHOLE);
        if (intended === undefined) {
          const current = currentDeployment(entries);
          if (recovered === undefined) throw hadFinished(current, target);
          const { restored, failed } = recovered;
          const status = recovered.isPublished ? 'published' : 'undone';
          return ended(failed.length === 0 ? 0 : 1, { status, to: current, restored, failed, ...rest });
        }
        const goal = rollbackGoal(entries, to, target, before);
        if (recovered === undefined) requireSameGoal(intended, goal, target);
        const { restored, failed } = await rollBack(here, id, entries, goal, force);
        const { undoes } = goal;
        return ended(failed.length === 0 ? 0 : 1, {
          status: 'rolled back',
          to: goal.to,
          restored,
          failed,
          undoes,
          ...rest,
        });
      });
    return yes ? goThere(context) : inNewSession(context, goThere);
  });
}

/** The last ledger entry of a dead process may arrive late, because the warehouse continues its statements. */
const hadFinished = (current: string | null, target: RemoteName): MeetupError =>
  new MeetupError(
    `The interrupted deployment had in fact finished; ${target} is at ${placeOf(current)} and nothing was put back. Run the rollback again to go back from there.`,
  );
