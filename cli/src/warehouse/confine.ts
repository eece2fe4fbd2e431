import type { DuckDbWarehouse } from './duckdb.ts';
import { quoteIdentifier, quoteLiteral } from './sql.ts';

/** DuckDB's own schemas, in which every name is looked up anyway. */
const BUILT_IN = new Set(['information_schema', 'pg_catalog']);

/**
 * Looks up unqualified names in the public schemas first and then in all others, and restricts queries to the database: no other
 * files, and no writes.
 * @param others whether unqualified names are looked up in the other schemas too.
 */
export async function confine(
  warehouse: DuckDbWarehouse,
  first: readonly string[],
  { others = true }: { readonly others?: boolean } = {},
): Promise<void> {
  const { rows } = await warehouse.query(
    'select schema_name from information_schema.schemata where catalog_name = current_database() order by 1',
  );
  const present = rows.map(([name]) => String(name)).filter((name) => !BUILT_IN.has(name));
  const path = [
    ...first.filter((name) => present.includes(name)),
    ...present.filter((name) => others && !first.includes(name)),
  ];
  if (path.length > 0) await warehouse.run(`set search_path = ${quoteLiteral(path.map(quoteIdentifier).join(','))}`);
  await warehouse.run('set enable_external_access = false');
  await warehouse.run('set lock_configuration = true');
}
