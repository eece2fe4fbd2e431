import type { DuckDbWarehouse } from '../../warehouse/duckdb.ts';
import { quoteIdentifier, quoteLiteral } from '../../warehouse/sql.ts';
import type { Contract, Contracts } from '../schemas.ts';

/*
 * A raw table's comment stores the schema that all of its records are valid against. As part of the database, it is committed and
 * published with them.
 */

/** The schemas of the raw tables by entity; tables without one are left out. */
export async function storedSchemas(warehouse: DuckDbWarehouse): Promise<ReadonlyMap<string, string>> {
  const { rows } = await warehouse.query(
    "select table_name, comment from duckdb_tables() where schema_name = 'raw' and database_name = current_database() and comment is not null",
  );
  return new Map(rows.map(([table, comment]) => [String(table), String(comment)]));
}

/** Stores these schemas as those that all records of the raw tables are valid against. */
export async function storeSchemas(warehouse: DuckDbWarehouse, contracts: Contracts): Promise<void> {
  const stored = await storedSchemas(warehouse);
  for (const [entity, contract] of contracts) {
    const key = schemaKey(contract);
    if (stored.get(entity) === key) continue;
    await warehouse.run(`comment on table raw.${quoteIdentifier(entity)} is ${quoteLiteral(key)}`);
  }
}

/** The part of a schema that is stored. */
export const schemaKey = ({ schema }: Contract): string => JSON.stringify(schema);
