import { quoteNames, quoteText } from '../../warehouse/databricks-sql.ts';
import { partsOf, type Remote, relationOn } from '../remote.ts';
import type { Shown } from './publications.ts';
import type { Published } from './published.ts';

type In = Pick<Remote, 'catalog'>;

/** What a published view selects: all of its table as it is, or as it was at a version. */
export const queryOf = (remote: In, of: string, version?: number): string =>
  `select * from ${relationOn(remote, of)}${version === undefined ? '' : ` version as of ${version}`}`;

/**
 * Changes what a view shows, in one step for all readers. Unlike `create or replace view`, it keeps the privileges on the view:
 * https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-syntax-ddl-create-view
 */
export const alterViewStatement = (remote: In, view: string, of: string, version?: number): string =>
  `alter view ${relationOn(remote, view)} as ${queryOf(remote, of, version)}`;

/** Creates a view that nobody has yet. */
export function createViewStatement(remote: In, view: string, { of, comment }: Published, version?: number): string {
  const text = comment.trim() === '' ? '' : ` comment ${quoteText(comment.trim())}`;
  return `create view if not exists ${relationOn(remote, view)}${text} as ${queryOf(remote, of, version)}`;
}

export const createSchemaStatement = (remote: In, view: string): string =>
  `create schema if not exists ${quoteNames(remote.catalog, partsOf(view)[0])}`;

/** What a view shows of a table, by its query, or by the statement that creates it (`show create table`). */
export function shownBy(remote: In, definition: string, of: string): Shown {
  const queries = catalogsOf(remote).map((catalog) => queryOf({ catalog }, of));
  const query = queries.find((one) => definition.includes(one));
  if (query === undefined) return undefined;
  const at = definition.lastIndexOf(query);
  if (!/^\s*$|\sas\s+$/i.test(definition.slice(0, at))) return undefined;
  const rest = definition.slice(at + query.length).trim();
  if (rest === '') return 'all';
  const [, version] = /^version as of (\d+)$/i.exec(rest) ?? [];
  return version === undefined ? undefined : Number(version);
}

/** The names of the catalog: Spark calls its own otherwise than Databricks does, and so does the rehearsal in what it shows. */
const catalogsOf = ({ catalog }: In): string[] =>
  catalog === 'hive_metastore' ? [catalog, 'spark_catalog'] : [catalog];
