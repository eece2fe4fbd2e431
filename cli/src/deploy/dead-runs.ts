import type { DeployContext } from './context.ts';
import { type Entry, readLedger, writeEntry } from './ledger.ts';
import { listSchemas, readStates } from './relations.ts';
import { schemasOf } from './remote.ts';
import { nameOfRun, openRuns, type Run } from './runs.ts';

/**
 * Records that runs of dbt died: they began and never ended, and the caller holds the lease that they had. What they wrote stays, and the next run
 * or deployment goes on from there.
 * @param detailed as for `readLedger`.
 * @returns the ledger's entries, with the new ones.
 */
export async function noteDeadRuns(
  context: Pick<DeployContext, 'remote' | 'effects' | 'target'>,
  entries: readonly Entry[],
  detailed?: number,
): Promise<readonly Entry[]> {
  const dead = openRuns(entries);
  for (const run of dead) {
    context.effects.reporter.warn(
      `${nameOfRun(run)} died: it began at ${run.begunAt} UTC and never ended. What it wrote stays until the next run or deployment builds it again.`,
    );
    await noteDead(context, run);
  }
  return dead.length === 0 ? entries : readLedger(context.remote, detailed);
}

async function noteDead({ remote }: Pick<DeployContext, 'remote'>, run: Run): Promise<void> {
  const listing = await listSchemas(remote, schemasOf(run.relations));
  const tables = run.relations.filter((relation) => listing.get(relation) === 'table');
  const identity = { deployment: run.id, commit: run.commit, planHash: '', versions: {} };
  await writeEntry(remote, identity, 'run died', {
    run: { job: run.job },
    wrote: await readStates(remote, listing, tables),
  });
}
