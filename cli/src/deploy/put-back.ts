import { MeetupError } from '../config/errors.ts';
import { asideOf, takeBackAside } from './aside.ts';
import { historySince, listSchemas, type RelationState, type RelationStates, readView, stateOf } from './relations.ts';
import { dropStatement, each, type Remote, relationOn, schemasOf } from './remote.ts';

type Listing = ReadonlyMap<string, 'table' | 'view'>;

/** What putting back did. */
export interface PutBack {
  readonly restored: readonly string[];
  /** Relations that could not be put back, with the reason. */
  readonly failed: readonly { readonly relation: string; readonly reason: string }[];
}

/**
 * Puts relations back to what they were. Tables first, so that views find what they select from.
 * @param fence commits to tables that are as they should be, too: a statement that a dead process left running can then
 *   not commit any more (Delta refuses a transaction whose table's metadata changed meanwhile).
 */
export async function putBack(
  remote: Remote,
  wanted: RelationStates,
  { fence = false }: { fence?: boolean } = {},
): Promise<PutBack> {
  const relations = Object.keys(wanted);
  const listing = await listSchemas(remote, schemasOf(relations));
  const restored: string[] = [];
  const failed: { relation: string; reason: string }[] = [];
  const put = async (relation: string): Promise<void> => {
    try {
      if (await putOneBack(remote, relation, listing, stateOf(wanted, relation), fence)) restored.push(relation);
    } catch (error) {
      if (!(error instanceof MeetupError)) throw error;
      failed.push({ relation, reason: error.message.split('\n')[0] ?? '' });
    }
  };
  const isView = (relation: string): boolean => stateOf(wanted, relation).kind === 'view';
  await each(
    relations.filter((relation) => !isView(relation)),
    put,
  );
  // Views may select from views, so a few rounds; what fails in the last one has failed.
  for (let pending = relations.filter(isView); pending.length > 0; ) {
    const before = failed.length;
    await each(pending, put);
    const again = failed.splice(before).filter(({ relation }) => pending.includes(relation));
    if (again.length === 0 || again.length === pending.length) {
      failed.push(...again);
      break;
    }
    pending = again.map(({ relation }) => relation);
  }
  await each(leftoversOf(relations, listing), ([leftover, kind]) => drop(remote, leftover, kind));
  return { restored: restored.sort(), failed };
}

/** What dbt names after a relation while it builds it, and leaves when it dies. */
const LEFTOVER = /__dbt_(tmp|stg|backup)\w*$/;

const leftoversOf = (relations: readonly string[], listing: Listing): [string, 'table' | 'view'][] =>
  [...listing].filter(([name]) => LEFTOVER.test(name) && relations.includes(name.replace(LEFTOVER, '')));

async function putOneBack(
  remote: Remote,
  relation: string,
  listing: Listing,
  wanted: RelationState,
  fence: boolean,
): Promise<boolean> {
  const kind = listing.get(relation);
  if (wanted.kind === 'table') return putTableBack(remote, relation, listing, wanted, fence);
  const mustGo = kind !== undefined && kind !== wanted.kind;
  if (mustGo) await drop(remote, relation, kind);
  return wanted.kind === 'absent'
    ? mustGo
    : putViewBack(remote, relation, mustGo ? undefined : kind, wanted.definition);
}

async function putTableBack(
  remote: Remote,
  relation: string,
  listing: Listing,
  wanted: RelationState & { kind: 'table' },
  fence: boolean,
): Promise<boolean> {
  const kind = listing.get(relation);
  const isAway = kind !== 'table';
  if (isAway) {
    if (!listing.has(asideOf(relation))) {
      throw new MeetupError(`${relation} was dropped, and with it the version that it should go back to.`);
    }
    if (kind !== undefined) await drop(remote, relation, kind);
    await takeBackAside(remote, relation);
  }
  const recent = await historySince(remote, relation, wanted.version);
  const now = recent[0]?.version ?? -1;
  const base = recent.find(({ version }) => version === wanted.version);
  if (now < wanted.version || (base !== undefined && base.timestamp !== wanted.committedAt)) {
    throw new MeetupError(`${relation} was dropped and made again, so version ${wanted.version} is gone.`);
  }
  const name = relationOn(remote, relation);
  if (now > wanted.version) {
    await remote.connection.run(`restore table ${name} to version as of ${wanted.version}`);
    return true;
  }
  if (fence) await remote.connection.run(`alter table ${name} set tblproperties ('meetup.fence' = '${now}')`);
  return isAway;
}

const drop = (remote: Remote, relation: string, kind: 'table' | 'view'): Promise<void> =>
  remote.connection.run(dropStatement(remote, relation, kind));

async function putViewBack(remote: Remote, relation: string, kind: 'view' | 'table' | undefined, definition: string) {
  if (kind === 'view') {
    const now = await readView(remote, relation);
    if (now.kind === 'view' && now.definition === definition) return false;
  }
  await remote.connection.run(definition);
  return true;
}
