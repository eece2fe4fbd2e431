import { connectTarget } from '../targets/target.ts';
import type { DeployContext } from './context.ts';
import { type Lease, withDeployLock } from './lock.ts';

/**
 * Does something to the target of a command while nobody else can.
 * @param id whose work it is: of a deployment, or of a rollback.
 * @throws MeetupError where somebody else is at it.
 */
export const withLease = <T>(context: DeployContext, id: string, work: (lease: Lease) => Promise<T>): Promise<T> =>
  withDeployLock(context.remote, id, work, { reconnect: () => connectTarget(context.target, context.effects) });
