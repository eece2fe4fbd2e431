import { z } from 'zod';
import { quoteNames, quoteText } from '../warehouse/databricks-sql.ts';
import { type Remote, schemasOf } from './remote.ts';

const relationsSchema = z.array(z.object({ schema: z.string(), name: z.string(), type: z.string() }));
const queriesSchema = z.array(z.object({ schema: z.string(), name: z.string(), query: z.string().nullish() }));

/**
 * The relations of several schemas, in one statement: `listSchemas` takes two per schema. Databricks doesn't say how soon the information
 * schema shows a change, so it serves plans, which the next step checks, and not what puts tables back or publishes views.
 */
export async function surveySchemas(
  remote: Remote,
  schemas: readonly string[],
): Promise<Map<string, 'table' | 'view'>> {
  if (schemas.length === 0) return new Map();
  const rows = relationsSchema.parse(
    await remote.connection.rows(
      `select table_schema as schema, table_name as name, table_type as type from ${viewOf(remote, 'tables')} where ${isIn(schemas)}`,
    ),
  );
  return new Map(
    rows.map(({ schema, name, type }) => [
      `${asGiven(schemas, schema)}.${name}`,
      type.toUpperCase() === 'VIEW' ? 'view' : 'table',
    ]),
  );
}

/** The queries of views (`schema.name`), in one statement, as far as this principal may see them: only a view's owner does. */
export async function viewQueries(remote: Remote, views: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (views.length === 0) return new Map();
  const schemas = schemasOf(views);
  const rows = queriesSchema.parse(
    await remote.connection.rows(
      `select table_schema as schema, table_name as name, view_definition as query from ${viewOf(remote, 'views')} where ${isIn(schemas)}`,
    ),
  );
  const queries = new Map(rows.map(({ schema, name, query }) => [`${schema}.${name}`.toLowerCase(), query]));
  return new Map(
    views.flatMap((view) => {
      const query = queries.get(view.toLowerCase());
      return query === undefined || query === null || query.trim() === '' ? [] : [[view, query]];
    }),
  );
}

const viewOf = ({ catalog }: Remote, name: string): string => quoteNames(catalog, 'information_schema', name);

/** The catalog stores names in lower case. */
const isIn = (schemas: readonly string[]): string =>
  `table_schema in (${schemas.map((schema) => quoteText(schema.toLowerCase())).join(', ')})`;

const asGiven = (schemas: readonly string[], stored: string): string =>
  schemas.find((schema) => schema.toLowerCase() === stored) ?? stored;
