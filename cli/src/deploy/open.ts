import type { Effects } from '../config/effects.ts';
import type { Paths } from '../config/paths.ts';
import { packageVersion } from '../config/version.ts';
import { withEngineOn } from '../targets/engine-on.ts';
import { connectTarget, type RemoteName, remoteTarget } from '../targets/target.ts';
import type { DeployContext } from './context.ts';
import { readGit } from './git.ts';

export interface OpenOptions {
  readonly paths: Paths;
  readonly target: RemoteName;
  readonly fullRefresh?: boolean;
  /** Builds over what somebody else changed or another project made. */
  readonly force?: boolean;
  /** Whether dbt will be needed, so that it can start in the background. */
  readonly dbt?: boolean;
  /** Work on this machine that comes before the target is asked anything, such as waking its warehouse. dbt starts meanwhile. */
  readonly first?: () => Promise<void>;
}

/**
 * Opens a target for a deployment or a rollback, and closes it after the work.
 * @throws MeetupError if it can't be reached.
 */
export async function withTarget<Result>(
  { paths, target: name, fullRefresh = false, force = false, dbt = false, first }: OpenOptions,
  effects: Effects,
  work: (context: DeployContext) => Promise<Result>,
): Promise<Result> {
  const target = await remoteTarget(name, paths, effects, { start: true });
  return withEngineOn(target, paths, effects, async (engine) => {
    // Importing dbt and reading the project takes seconds. A failure is reported by the first request that needs it.
    if (dbt) engine.parse({ target: name }).catch(() => undefined);
    await first?.();
    const connection = await connectTarget(target, effects);
    try {
      const remote = { connection, catalog: target.catalog };
      const git = await readGit(paths.root);
      const versions = { meetup: packageVersion() };
      return await work({ paths, effects, target, remote, engine, git, versions, fullRefresh, force });
    } finally {
      await connection.close();
    }
  });
}

/** Continues in a new session, because warehouses close idle ones, such as while a person reads the plan. */
export async function inNewSession<Context extends DeployContext, Result>(
  context: Context,
  work: (context: Context) => Promise<Result>,
): Promise<Result> {
  const connection = await connectTarget(context.target, context.effects);
  try {
    return await work({ ...context, remote: { ...context.remote, connection } });
  } finally {
    await connection.close();
  }
}
