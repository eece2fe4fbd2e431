import type { Cell, QueryResult } from '../warehouse/warehouse.ts';

/** Rows as objects. A duplicate column name gets a number, so that no value is lost. */
export function queryRows(result: QueryResult): Record<string, Cell>[] {
  const seen = new Map<string, number>();
  const names = result.columns.map(({ name }) => {
    const times = (seen.get(name) ?? 0) + 1;
    seen.set(name, times);
    return times === 1 ? name : `${name}_${times}`;
  });
  return result.rows.map((row) => Object.fromEntries(names.map((name, i) => [name, row[i] ?? null])));
}
