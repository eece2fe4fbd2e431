import { connectTarget } from '../targets/target.ts';
import type { DeployContext } from './context.ts';
import { type Lease, withDeployLock } from './lock.ts';

/**
 * Runs work on the target of a command while nobody else can.
 * @param id the id of the deployment or rollback.
 * @throws MeetupError if somebody else holds the lease.
 */
export const withLease = <T>(context: DeployContext, id: string, work: (lease: Lease) => Promise<T>): Promise<T> =>
  withDeployLock(context.remote, id, work, { reconnect: () => connectTarget(context.target, context.effects) });
