import type { Effects } from '../config/effects.ts';
import type { CommandResult } from '../config/result.ts';
import { forgetBuilt, forgetNodes } from '../engine/built-stamp.ts';
import { type LoadOptions, type LoadReport, load } from '../ingest/load.ts';
import { requireLocalProfile } from '../toolchain/profile.ts';

export type { LoadOptions, LoadReport };

/** Loads what is new, into the database that dbt builds in. */
export async function run(options: LoadOptions, effects: Effects): Promise<CommandResult<LoadReport>> {
  await requireLocalProfile(options.paths, effects.env);
  // What is built no longer follows from the batches alone. It is forgotten first, so that a killed load costs a build, never skips one.
  if (options.migrates || options.retriesRejected) await forgetBuilt(options.paths);
  if (options.migrates) await forgetNodes(options.paths);
  return load(options, effects);
}
