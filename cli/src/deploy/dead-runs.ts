import type { DeployContext } from './context.ts';
import { type Entry, readLedger, writeEntry } from './ledger.ts';
import { nameOfRun, openRuns } from './runs.ts';

/**
 * Records that runs of dbt died: they began and never ended, and the caller holds the lease that they had. What they wrote stays, and the next run
 * or deployment goes on from there; no rollback brings it back (as in `meetup_note_dead_runs` of dbt/macros/deployment).
 * @param detailed as for `readLedger`.
 * @returns the ledger's entries, with the new ones.
 */
export async function noteDeadRuns(
  context: Pick<DeployContext, 'remote' | 'effects'>,
  entries: readonly Entry[],
  detailed?: number,
): Promise<readonly Entry[]> {
  const dead = openRuns(entries);
  for (const run of dead) {
    context.effects.reporter.warn(
      `${nameOfRun(run)} died: it began at ${run.begunAt} UTC and never ended. What it wrote stays until the next run or deployment builds it again.`,
    );
    const identity = { deployment: run.id, commit: run.commit, planHash: '', versions: {} };
    await writeEntry(context.remote, identity, 'run died', { run: { job: run.job } });
  }
  return dead.length === 0 ? entries : readLedger(context.remote, detailed);
}
