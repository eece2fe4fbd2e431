import { existsSync } from 'node:fs';
import type { Effects } from '../config/effects.ts';
import type { Paths } from '../config/paths.ts';
import type { EngineClient } from '../engine/client.ts';
import { requireReadable } from '../engine/problems.ts';
import type { SourceFreshness } from '../engine/protocol.ts';
import { withWriteLock } from '../warehouse/lock.ts';

export interface FreshnessOutcome {
  readonly sources: readonly SourceFreshness[];
  /** Why nothing was measured. */
  readonly skipped?: string;
}

/**
 * The age of the sources' data in the working database, where the project declares a freshness.
 * @throws MeetupError if dbt can't read the project.
 */
export async function measureFreshness(
  engine: EngineClient,
  paths: Paths,
  effects: Effects,
): Promise<FreshnessOutcome> {
  const skipped = (reason: string): FreshnessOutcome => ({ sources: [], skipped: reason });
  return withWriteLock(paths, effects, async () => {
    if (!existsSync(paths.workDatabase)) return skipped('no data is loaded');
    const answer = await engine.freshness();
    if (answer.status !== 'pass') requireReadable(answer);
    const sources = answer.sources.filter(({ status }) => status !== 'missing');
    if (answer.sources.length === 0) return skipped('no source declares a freshness');
    return sources.length === 0 ? skipped('no source with a freshness is in the local database') : { sources };
  });
}
