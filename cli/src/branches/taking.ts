import { MeetupError } from '../config/errors.ts';
import type { LockedContext } from '../deploy/context.ts';
import { queryOf } from '../deploy/publish/view-sql.ts';
import { driftOf, GONE, listSchemas, RECREATED, stateOf } from '../deploy/relations.ts';
import { type Remote, schemasOf } from '../deploy/remote.ts';
import { mapConcurrently } from '../warehouse/map-concurrently.ts';
import { isWithin, statesOf } from './inputs.ts';
import type { Taken } from './taken.ts';

/** Makes sure, now that nobody else can deploy, that neither the branch nor what it was built from has changed. If it has, nothing is taken. */
export async function confirmTaken(
  { remote, effects }: LockedContext,
  taken: Taken | undefined,
): Promise<Taken | undefined> {
  if (taken === undefined) return undefined;
  const relations = Object.keys(taken.states);
  const now = await statesOf(remote, await listSchemas(remote, schemasOf(relations)), relations);
  if (isWithin(taken.states, now)) return taken;
  effects.reporter.note(`The branch ${taken.branch} or what it was built from has changed, so everything is built.`);
  return undefined;
}

/** What each taken model selects: dbt builds it as it would with its own SQL, so that its contract, properties and grants are its own. */
export const queriesOf = (remote: Remote, { tables }: Taken): Record<string, string> =>
  Object.fromEntries([...tables].map(([uniqueId, { place, version }]) => [uniqueId, queryOf(remote, place, version)]));

/**
 * Makes sure that the tables were still the branch's own when they were read: it may have been dropped and built again meanwhile.
 * @throws MeetupError if one was not.
 */
export async function requireThere({ remote }: LockedContext, { branch, tables, states }: Taken): Promise<void> {
  const places = [...tables.values()].map(({ place }) => place);
  const present = await listSchemas(remote, schemasOf(places));
  await mapConcurrently(places, async (place) => {
    const what = await driftOf(remote, place, present.get(place), stateOf(states, place));
    if (what !== GONE && what !== RECREATED) return;
    throw new MeetupError(`${place} of the branch ${branch} was dropped while it was read: deploy again.`);
  });
}
