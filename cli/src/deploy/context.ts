import type { Effects } from '../config/effects.ts';
import type { Paths } from '../config/paths.ts';
import type { EngineClient } from '../engine/client.ts';
import type { RemoteTarget } from '../targets/target.ts';
import type { DuckDbWarehouse } from '../warehouse/duckdb.ts';
import type { GitState } from './git.ts';
import type { DeploymentIdentity } from './ledger.ts';
import type { Lease } from './lock.ts';
import type { Remote } from './remote.ts';

/** Everything that the steps of one deployment share. */
export interface DeployContext {
  readonly paths: Paths;
  readonly effects: Effects;
  readonly target: RemoteTarget;
  readonly remote: Remote;
  /** Runs dbt on the target. Not the engine of a `dev --watch`. */
  readonly engine: EngineClient;
  readonly git: GitState;
  /** The versions of meetup and of the tools that build. */
  readonly versions: Readonly<Record<string, string>>;
  readonly fullRefresh: boolean;
  /** Builds over what somebody else changed or another project made. */
  readonly force: boolean;
  /** Why breaks of public models are right this time. */
  readonly acceptBreak?: string | undefined;
}

/** The context while the local database is open, for uploads and comparisons. */
export interface SurveyContext extends DeployContext {
  /** The published database when the deployment began, so that no build changes what is uploaded and compared. */
  readonly local: DuckDbWarehouse;
}

/** The context once this deployment holds the lease of the target. */
export interface LockedContext extends DeployContext {
  readonly lease: Lease;
}

/** `20261124-082022-4f1c`: when it began (UTC), and a random suffix. */
export function newDeploymentId(effects: Effects): string {
  const moment = new Date(effects.clock.now()).toISOString().replaceAll(/[-:]|\..*$/g, '');
  const random = Math.floor(Math.random() * 0x1_0000)
    .toString(16)
    .padStart(4, '0');
  return `${moment.replace('T', '-')}-${random}`;
}

/** Who deploys what, as recorded in the ledger. */
export function identityOf(
  context: Pick<DeployContext, 'git' | 'versions'>,
  deployment: string,
  planHash: string,
): DeploymentIdentity {
  return { deployment, commit: context.git.commit, planHash, versions: context.versions };
}
