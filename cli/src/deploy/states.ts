import { currentDeployment, type Deployed, type Entry, NOTHING_DEPLOYED } from './ledger.ts';
import type { RelationStates } from './relations.ts';
import { isEnd, withRuns } from './runs.ts';

/**
 * How many entries there were when a deployment was last current. Putting back gives tables new versions with the old rows, and runs of dbt write
 * more, so the last entry counts, not the deployment's own.
 */
export const lengthAt = (entries: readonly Entry[], deployment: string | null): number =>
  1 + entries.findLastIndex((_, at) => currentDeployment(entries.slice(0, at + 1)) === deployment);

/**
 * The state after all these entries, with what runs of dbt wrote since the last deployment: where a rollback returns to. Unlike that deployment's
 * own state, it is no measure of drift: somebody else may have changed a table before a run did.
 */
export function stateAfter(entries: readonly Entry[]): Deployed {
  let state = NOTHING_DEPLOYED;
  let last: RelationStates = {};
  for (const { event, details } of entries) {
    if (details.deployed !== undefined) {
      const { relations } = details.deployed;
      // A deployment that was undone only says something about the tables that it put back.
      const isNews = (relation: string): boolean =>
        event !== 'undone' || JSON.stringify(relations[relation]) !== JSON.stringify(last[relation]);
      const kept = Object.entries(state.relations).filter(([name]) => !isNews(name));
      state = { ...details.deployed, relations: { ...relations, ...Object.fromEntries(kept) } };
      last = relations;
    } else if (isEnd(event)) {
      state = { ...state, relations: { ...state.relations, ...details.wrote } };
    }
  }
  return withRuns(state, entries);
}
