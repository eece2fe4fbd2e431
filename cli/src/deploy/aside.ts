import { MeetupError } from '../config/errors.ts';
import { quoteNames } from '../warehouse/databricks-sql.ts';
import { partsOf, type Remote, relationOn } from './remote.ts';

/**
 * A table that becomes a view is dropped by dbt, and what is dropped has no version to go back to. So it is renamed
 * before, history and all, and stays under this name for one deployment. In its own schema: Spark renames within one only.
 */
const PREFIX = 'meetup_aside__';

/** `schema.name` under which a relation is kept. */
export function asideOf(relation: string): string {
  const [schema, name] = partsOf(relation);
  return `${schema}.${PREFIX}${name}`;
}

export const isAside = (relation: string): boolean => partsOf(relation)[1].startsWith(PREFIX);

/** What an earlier deployment set aside, or one that died left. */
export const asidesIn = (present: ReadonlyMap<string, 'table' | 'view'>): string[] =>
  [...present.keys()].filter(isAside).sort();

/** Takes a table out of dbt's way. What an earlier deployment kept under the name goes. */
export async function setAside(remote: Remote, relation: string): Promise<void> {
  await dropAside(remote, asideOf(relation));
  await rename(remote, relation, asideOf(relation));
}

/** Gives a table its name back; the caller has removed what stood there. */
export const takeBackAside = (remote: Remote, relation: string): Promise<void> =>
  rename(remote, asideOf(relation), relation);

export async function dropAside(remote: Remote, aside: string): Promise<void> {
  if (!isAside(aside)) throw new MeetupError(`${aside} was not set aside by a deployment, and is not dropped.`);
  await remote.connection.run(`drop table if exists ${relationOn(remote, aside)}`);
}

/** Spark takes no catalog in the new name: it is that of the session, ours. */
const rename = (remote: Remote, from: string, to: string): Promise<void> =>
  remote.connection.run(`alter table ${relationOn(remote, from)} rename to ${quoteNames(...partsOf(to))}`);
