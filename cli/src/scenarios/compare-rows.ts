import type { DuckDbWarehouse } from '../warehouse/duckdb.ts';
import { quoteIdentifier, quoteLiteral } from '../warehouse/sql.ts';
import type { Cell } from '../warehouse/warehouse.ts';
import { csvValue, expectedCell, foundCell } from './cells.ts';
import type { ExpectedTable } from './expected.ts';

type Row = readonly Cell[];

/** The differences between a table and its expected rows. */
export interface TableDifference {
  readonly table: string;
  readonly file: string;
  readonly columns: readonly string[];
  readonly missing: readonly { readonly line: number; readonly row: Row }[];
  readonly extra: readonly Row[];
  /** Pairs of a missing and a surplus row with mostly equal cells. */
  readonly different: readonly { readonly line: number; readonly row: Row; readonly found: Row }[];
  /** Why the table couldn't be compared: an unknown table or column, a value of another type. */
  readonly problem?: string;
}

/**
 * Compares a table with its expected rows: in any order, duplicates counted, null only equal to null.
 * @param catalog the name under which the database is attached.
 * @param schemas where a name without a schema is looked for first.
 * @returns undefined if they are equal.
 */
export async function compareTable(
  warehouse: DuckDbWarehouse,
  catalog: string,
  expected: ExpectedTable,
  schemas: readonly string[],
): Promise<TableDifference | undefined> {
  const selected = expected.columns?.map(quoteIdentifier).join(', ') ?? '*';
  const where = expected.where === undefined ? '' : `where (${expected.where})`;
  const nothing = { table: expected.table, file: expected.file, missing: [], extra: [], different: [] };
  try {
    const relation = await relationOf(warehouse, catalog, expected.table, schemas);
    const found = await warehouse.query(`select ${selected} from ${relation} ${where}`);
    const wanted = expected.rows.map(({ line, values }) => ({
      line,
      row: typedRow(values, found.columns, expected, line),
    }));
    const columns = found.columns.map(({ name }) => name);
    const difference = differenceOf(
      wanted,
      found.rows.map((row) => row.map(foundCell)),
    );
    return difference === undefined ? undefined : { ...nothing, columns, ...difference };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { ...nothing, columns: [], problem: error.message };
  }
}

/** The table's qualified name: in the first of the schemas that has it, or else in any other. */
async function relationOf(
  warehouse: DuckDbWarehouse,
  catalog: string,
  name: string,
  schemas: readonly string[],
): Promise<string> {
  const [table = '', schema] = name.split('.').reverse();
  const quoted = (place: string): string => [catalog, place, table].map(quoteIdentifier).join('.');
  if (schema !== undefined) return quoted(schema);
  const { rows } = await warehouse.query(
    `select table_schema from information_schema.tables
     where table_catalog = ${quoteLiteral(catalog)} and table_name = ${quoteLiteral(table)} order by table_schema`,
  );
  const present = rows.map(([place]) => String(place));
  return quoted(schemas.find((place) => present.includes(place)) ?? present[0] ?? schemas[0] ?? 'main');
}

function typedRow(
  values: readonly unknown[],
  columns: readonly { readonly name: string; readonly type: string }[],
  { file, format }: ExpectedTable,
  line: number,
): Row {
  return columns.map(({ name, type }, index) => {
    const value = values[index] ?? null;
    const meant = format === 'csv' && typeof value === 'string' ? csvValue(value, type) : value;
    return expectedCell(meant, type, `${file}:${line}: ${name}`);
  });
}

type Wanted = { readonly line: number; readonly row: Row };

function differenceOf(
  wanted: readonly Wanted[],
  found: readonly Row[],
): Pick<TableDifference, 'missing' | 'extra' | 'different'> | undefined {
  const left = new Map<string, Row[]>();
  for (const row of found) left.set(JSON.stringify(row), [...(left.get(JSON.stringify(row)) ?? []), row]);
  const unmatched = wanted.filter(({ row }) => left.get(JSON.stringify(row))?.pop() === undefined);
  const extra = [...left.values()].flat();
  if (unmatched.length === 0 && extra.length === 0) return undefined;
  return paired(unmatched, extra);
}

/**
 * Pairs each missing row with the surplus row that is most similar, if at least half of the cells or the first one are
 * equal (the first one usually is the key).
 */
function paired(unmatched: readonly Wanted[], surplus: readonly Row[]) {
  const extra = [...surplus];
  const missing: Wanted[] = [];
  const different: (Wanted & { found: Row })[] = [];
  for (const wanted of unmatched) {
    const likeness = extra.map((row) => sameCells(row, wanted.row));
    const best = Math.max(0, ...likeness);
    const [found] = best * 2 >= wanted.row.length && best > 0 ? extra.splice(likeness.indexOf(best), 1) : [];
    if (found === undefined) missing.push(wanted);
    else different.push({ ...wanted, found });
  }
  return { missing, extra, different };
}

export const isSameCell = (a: Cell | undefined, b: Cell | undefined): boolean =>
  JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

function sameCells(a: Row, b: Row): number {
  const same = a.filter((cell, index) => isSameCell(cell, b[index])).length;
  return isSameCell(a[0], b[0]) ? same + a.length / 2 : same;
}
