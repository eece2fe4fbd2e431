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

/** What takes a table out of the way. What was kept under the name before goes. */
export const keepStatements = (remote: Pick<Remote, 'catalog'>, relation: string): string[] => [
  dropAsideStatement(remote, asideOf(relation)),
  renameStatement(remote, relation, asideOf(relation)),
];

/** What gives a table its name back; what stands there must be gone. */
export const takeBackStatement = (remote: Pick<Remote, 'catalog'>, relation: string): string =>
  renameStatement(remote, asideOf(relation), relation);

/** @throws MeetupError for anything else than what was set aside. */
export function dropAsideStatement(remote: Pick<Remote, 'catalog'>, aside: string): string {
  if (!isAside(aside)) throw new MeetupError(`${aside} was not kept by a deployment, so it is not dropped.`);
  return dropStatement(remote, aside, 'table');
}

/** Spark takes no catalog in the new name: it is that of the session, ours. */
const renameStatement = (remote: Pick<Remote, 'catalog'>, from: string, to: string): string =>
  `alter table ${relationOn(remote, from)} rename to ${quoteNames(...partsOf(to))}`;
