import type { Effects } from '../../src/config/effects.ts';
import type { Paths } from '../../src/config/paths.ts';
import { EngineClient } from '../../src/engine/client.ts';
import { deployPaths } from '../../src/targets/engine-on.ts';
import { remoteTarget } from '../../src/targets/target.ts';

/**
 * Keeps an engine warm for a state folder, as a running `dev --watch` does. Commands that use this folder share it, so they
 * don't have to import dbt and parse the project. The caller closes it.
 */
export async function warmEngine(paths: Paths, effects: Effects): Promise<EngineClient> {
  const engine = new EngineClient(paths, effects, { shared: true });
  await engine.warmUp();
  return engine;
}

/** Starts the rehearsal, and warm engines for several deployments to it: one for the local marts and one for Spark. */
export async function deployEngines(paths: Paths, effects: Effects): Promise<readonly EngineClient[]> {
  const { environment } = await remoteTarget('rehearsal', paths, effects, { start: true });
  return Promise.all([
    warmEngine(paths, effects),
    warmEngine(deployPaths(paths), { ...effects, env: { ...effects.env, ...environment } }),
  ]);
}
