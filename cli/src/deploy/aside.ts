import { MeetupError } from '../config/errors.ts';
import { quoteNames } from '../warehouse/databricks-sql.ts';
import { dropStatement, partsOf, type Remote, relationOn } from './remote.ts';

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
  await remote.connection.run(asideStatement(remote, relation));
}

/** Gives a table its name back; the caller has removed what stood there. */
export const takeBackAside = (remote: Remote, relation: string): Promise<void> =>
  remote.connection.run(renameStatement(remote, asideOf(relation), relation));

export async function dropAside(remote: Remote, aside: string): Promise<void> {
  if (!isAside(aside)) throw new MeetupError(`${aside} was not set aside by a deployment, and is not dropped.`);
  await remote.connection.run(dropStatement(remote, aside, 'table'));
}

/** What gives a table the name under which it is kept. */
export const asideStatement = (remote: Pick<Remote, 'catalog'>, relation: string): string =>
  renameStatement(remote, relation, asideOf(relation));

/** Spark takes no catalog in the new name: it is that of the session, ours. */
const renameStatement = (remote: Pick<Remote, 'catalog'>, from: string, to: string): string =>
  `alter table ${relationOn(remote, from)} rename to ${quoteNames(...partsOf(to))}`;
