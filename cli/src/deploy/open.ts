import { join } from 'node:path';
import type { Effects } from '../config/effects.ts';
import { MeetupError } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import { packageVersion } from '../config/version.ts';
import { EngineClient } from '../engine/client.ts';
import { connectTarget, type RemoteName, type RemoteTarget, remoteTarget } from '../targets/target.ts';
import { type HeldLock, tryLock } from '../warehouse/lock.ts';
import type { DeployContext } from './context.ts';
import { readGit } from './git.ts';

export interface OpenOptions {
  readonly paths: Paths;
  readonly target: RemoteName;
  readonly fullRefresh?: boolean;
  /** Whether dbt will be needed, so that it starts while other things are looked at. */
  readonly dbt?: boolean;
}

/**
 * Opens a target for a deployment or a rollback, and closes it after the work.
 * @throws MeetupError where it can't be reached.
 */
export async function withTarget<Result>(
  { paths, target: name, fullRefresh = false, dbt = false }: OpenOptions,
  effects: Effects,
  work: (context: DeployContext) => Promise<Result>,
): Promise<Result> {
  const target = await remoteTarget(name, paths, effects, { start: true });
  return withEngineOn(target, paths, effects, async (engine) => {
    // dbt takes seconds to import. Failures come back with its first work.
    if (dbt) engine.warmUp().catch(() => undefined);
    const connection = await connectTarget(target, effects);
    try {
      const remote = { connection, catalog: target.catalog };
      const git = await readGit(paths.root);
      const versions = { meetup: packageVersion() };
      return await work({ paths, effects, target, remote, engine, git, versions, fullRefresh });
    } finally {
      await connection.close();
    }
  });
}

/** Runs dbt on a target. Its own state folder keeps it apart from the engine that a `dev --watch` shares. */
export async function withEngineOn<Result>(
  target: RemoteTarget,
  paths: Paths,
  effects: Effects,
  work: (engine: EngineClient) => Promise<Result>,
): Promise<Result> {
  const own = { ...paths, state: join(paths.state, 'deploy'), dbtTarget: join(paths.state, 'deploy', 'dbt-target') };
  const lock = await onlyHere(own);
  const engine = new EngineClient(own, { ...effects, env: { ...effects.env, ...target.environment } });
  try {
    return await work(engine);
  } finally {
    await engine.close().finally(() => lock.release());
  }
}

/** Goes on in a session of its own: warehouses close one that is idle, as it is while a person reads. */
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

/**
 * One at a time from one state folder, also to different targets: the files to upload and dbt's own lie there. A second
 * one, even if it only planned, would take them away from the first.
 * @throws MeetupError where another process is at it.
 */
export async function onlyHere(own: Paths): Promise<HeldLock> {
  const attempt = await tryLock(own, 'write');
  if ('release' in attempt) return attempt;
  const holder = attempt.heldBy === undefined ? 'Another meetup process' : `meetup process ${attempt.heldBy}`;
  throw new MeetupError(`${holder} deploys, plans or rolls back from ${own.state} just now: wait for its end.`);
}
