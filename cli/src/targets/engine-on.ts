import { join } from 'node:path';
import type { Effects } from '../config/effects.ts';
import { MeetupError } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import { processName } from '../config/processes.ts';
import { EngineClient } from '../engine/client.ts';
import { type HeldLock, tryLock } from '../warehouse/lock.ts';
import type { RemoteTarget } from './target.ts';

/** A state folder for dbt on a target, inside the local state folder. Whether a sample was pulled doesn't matter there. */
export function pathsOnTarget({ pulled: _pulled, ...paths }: Paths, name: string): Paths {
  const state = join(paths.state, name);
  return { ...paths, state, local: state, dbtTarget: join(state, 'dbt-target') };
}

/** Those of deployments and of everything else that builds or compiles what is deployed. */
export const deployPaths = (paths: Paths): Paths => pathsOnTarget(paths, 'deploy');

/** Runs dbt on a target. Its own state folder keeps it apart from the engine that a `dev --watch` shares. */
export async function withEngineOn<Result>(
  target: RemoteTarget,
  paths: Paths,
  effects: Effects,
  work: (engine: EngineClient) => Promise<Result>,
): Promise<Result> {
  const own = deployPaths(paths);
  const lock = await onlyHere(own);
  const engine = new EngineClient(own, { ...effects, env: { ...effects.env, ...target.environment } });
  try {
    return await work(engine);
  } finally {
    await engine.close().finally(() => lock.release());
  }
}

/**
 * Allows one deployment at a time per state folder, even to different targets: a second one, even if it only planned,
 * would overwrite the first one's uploads and dbt's files.
 * @throws MeetupError if another process is running one.
 */
export async function onlyHere(own: Paths): Promise<HeldLock> {
  const attempt = await tryLock(own, 'write');
  if ('release' in attempt) return attempt;
  throw new MeetupError(
    `${own.state} is in use by ${processName(attempt.heldBy)}, which is deploying, planning or rolling back: wait until it has finished.`,
  );
}
