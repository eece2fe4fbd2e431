import { databricksSide } from '../../src/compare/side.ts';
import { listSchemas } from '../../src/deploy/relations.ts';
import type { Remote } from '../../src/deploy/remote.ts';
import { quoteNames, quoteText } from '../../src/warehouse/databricks-sql.ts';
import { mapConcurrently } from '../../src/warehouse/map-concurrently.ts';

/** Doesn't round values, and distinguishes a null from a missing column. */
const AS_JSON = `map('ignoreNullFields', 'false', 'timestampFormat', "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX")`;

/**
 * The content of a target's schemas: the kind, columns and rows of each relation as a string. Equal strings mean equal content. The
 * rows of all relations are counted and hashed in one statement, because every statement takes Spark about a second.
 */
export async function contentsOf(remote: Remote): Promise<Record<string, string>> {
  const relations = [...(await listSchemas(remote, ['raw', 'staging', 'marts', 'marts_build']))];
  if (relations.length === 0) return {};
  const side = databricksSide('target', remote.connection, remote.catalog);
  const [columns, rows] = await Promise.all([
    mapConcurrently(relations, async ([relation]) => {
      const [schema = '', name = ''] = relation.split('.');
      return (await side.columns(schema, name)) ?? [];
    }),
    rowsOf(
      remote,
      relations.map(([relation]) => relation),
    ),
  ]);
  return Object.fromEntries(
    relations.map(([relation, kind], at) => [relation, JSON.stringify([kind, columns[at], rows.get(relation)])]),
  );
}

/** The row count and an order-independent hash of each relation. */
export async function rowsOf(remote: Remote, relations: readonly string[]): Promise<Map<string, readonly string[]>> {
  const selects = relations.map((relation) => {
    const hash = `cast(xxhash64(to_json(struct(*), ${AS_JSON})) as decimal(38, 0))`;
    const from = quoteNames(remote.catalog, ...relation.split('.'));
    return `select ${quoteText(relation)} as relation, cast(count(*) as string) as row_count, cast(sum(${hash}) as string) as hash from ${from}`;
  });
  const rows = await remote.connection.rows(selects.join('\nunion all '));
  return new Map(rows.map(({ relation, row_count, hash }) => [String(relation), [String(row_count), String(hash)]]));
}
