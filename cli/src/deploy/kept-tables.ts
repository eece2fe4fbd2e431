import { MeetupError } from '../config/errors.ts';
import { quoteNames } from '../warehouse/databricks-sql.ts';
import { dropStatement, partsOf, type Remote, relationOn } from './remote.ts';

/**
 * dbt drops a table that becomes a view, and a dropped table has no version to return to. So it is renamed first, with
 * its history, and kept for one deployment. It stays in its schema, because Spark can't rename across schemas.
 */
const PREFIX = 'meetup_aside__';

/** The `schema.name` under which a relation is kept. */
export function asideOf(relation: string): string {
  const [schema, name] = partsOf(relation);
  return `${schema}.${PREFIX}${name}`;
}

export const isAside = (relation: string): boolean => partsOf(relation)[1].startsWith(PREFIX);

/** Tables that an earlier deployment kept, or one that died left behind. */
export const asidesIn = (present: ReadonlyMap<string, 'table' | 'view'>): string[] =>
  [...present.keys()].filter(isAside).sort();

/** The statements that rename a table out of the way. A table that was kept under that name is dropped. */
export const keepStatements = (remote: Pick<Remote, 'catalog'>, relation: string): string[] => [
  dropAsideStatement(remote, asideOf(relation)),
  renameStatement(remote, relation, asideOf(relation)),
];

/** The statement that gives a table its name back, which must be free. */
export const takeBackStatement = (remote: Pick<Remote, 'catalog'>, relation: string): string =>
  renameStatement(remote, asideOf(relation), relation);

/** @throws MeetupError for anything but a kept table. */
export function dropAsideStatement(remote: Pick<Remote, 'catalog'>, aside: string): string {
  if (!isAside(aside)) throw new MeetupError(`${aside} was not kept by a deployment, so it is not dropped.`);
  return dropStatement(remote, aside, 'table');
}

/** Spark accepts no catalog in the new name: it uses that of the session. */
const renameStatement = (remote: Pick<Remote, 'catalog'>, from: string, to: string): string =>
  `alter table ${relationOn(remote, from)} rename to ${quoteNames(...partsOf(to))}`;
