import type { Effects } from '../config/effects.ts';
import type { CommandResult } from '../config/result.ts';
import { type LoadOptions, type LoadReport, load } from '../ingest/load.ts';
import { requireLocalProfile } from '../toolchain/profile.ts';

export type { LoadOptions, LoadReport };

/** Loads what is new, into the database that dbt builds in. */
export async function run(options: LoadOptions, effects: Effects): Promise<CommandResult<LoadReport>> {
  await requireLocalProfile(options.paths, effects.env);
  return load(options, effects);
}
