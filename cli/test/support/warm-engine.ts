import type { Effects } from '../../src/config/effects.ts';
import type { Paths } from '../../src/config/paths.ts';
import { EngineClient } from '../../src/engine/client.ts';
import { deployPaths } from '../../src/targets/engine-on.ts';
import { remoteTarget } from '../../src/targets/target.ts';

/**
 * Keeps an engine warm for a state folder, as a running `dev --watch` does. Commands on that folder find it, so none of them
 * imports dbt and parses the project again. The caller closes it.
 */
export async function warmEngine(paths: Paths, effects: Effects): Promise<EngineClient> {
  const engine = new EngineClient(paths, effects, { shared: true });
  await engine.warmUp();
  return engine;
}

/** The engines of many deployments to the rehearsal, which is started: one for the local marts, one for Spark. */
export async function deployEngines(paths: Paths, effects: Effects): Promise<readonly EngineClient[]> {
  const { environment } = await remoteTarget('rehearsal', paths, effects, { start: true });
  return Promise.all([
    warmEngine(paths, effects),
    warmEngine(deployPaths(paths), { ...effects, env: { ...effects.env, ...environment } }),
  ]);
}
