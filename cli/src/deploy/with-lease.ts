import type { Reporter } from '../config/effects.ts';
import { connectTarget } from '../targets/target.ts';
import type { DeployContext } from './context.ts';
import { type Lease, withDeployLock } from './lock.ts';

/** As long as a run of the job may take at most, with a margin (dbt/macros/deployment/lease.sql). */
const PATIENCE_MS = 130 * 60_000;
const EVERY_MS = 5000;

/**
 * Runs work on the target of a command while nobody else can. Waits for a deployment or a run of dbt that is changing the target.
 * @param id the id of the deployment or rollback.
 * @throws MeetupError if somebody else still holds the lease after two hours; InterruptedError when the signal is aborted meanwhile.
 */
export function withLease<T>(context: DeployContext, id: string, work: (lease: Lease) => Promise<T>): Promise<T> {
  const { reporter, signal } = context.effects;
  const onWait = announcing(reporter, context.target.name);
  return withDeployLock(context.remote, id, work, {
    reconnect: () => connectTarget(context.target, context.effects),
    wait: { limitMs: PATIENCE_MS, everyMs: EVERY_MS, signal, onWait },
  });
}

/**
 * Says once for whom the command waits, also where progress isn't shown, such as in CI.
 * @internal Exported for its test.
 */
export function announcing(reporter: Reporter, target: string): (holder: string) => void {
  let announced: string | undefined;
  return (holder) => {
    if (holder !== announced) reporter.note(`Waiting for ${holder}, which is changing ${target} …`);
    announced = holder;
    reporter.progress(`waiting for ${holder}`);
  };
}
