import { run as generate } from '../../src/commands/generate.ts';
import type { Paths } from '../../src/config/paths.ts';
import { load } from '../../src/ingest/load.ts';
import { quietEffects, type RecordedEffects, temporaryPaths } from './effects.ts';

/** A small sample, loaded into a new state folder. */
export async function loadedSample(): Promise<{ paths: Paths; effects: RecordedEffects }> {
  const paths = await temporaryPaths();
  const effects = quietEffects();
  await generate({ out: paths.data, scale: 0.002, seed: 1, days: 0 }, effects);
  await load({ paths, maxRejected: 0.5 }, effects);
  return { paths, effects };
}
