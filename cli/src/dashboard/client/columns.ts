import type { Rows, Value } from '../shared/types.ts';

/** A value on an axis. */
export type Plotted = number | string | Date | null;

/** A row as marks read it: by the names of columns. */
export type Datum = Readonly<Record<string, Plotted>>;

const isMoment = (type: string): boolean => type.startsWith('TIMESTAMP') || type === 'DATE';

/** Rows as objects, with dates where the database has dates. */
export function datumsOf({ columns, rows }: Rows): readonly Datum[] {
  return rows.map((row) =>
    Object.fromEntries(columns.map(({ name, type }, i) => [name, plotted(row[i] ?? null, type)])),
  );
}

function plotted(value: Value, type: string): Plotted {
  if (value === null || typeof value === 'number') return value;
  if (typeof value === 'string' && isMoment(type)) {
    // Without a zone it is UTC, as everything in the marts.
    const date = new Date(value.length === 10 || value.endsWith('Z') ? value : `${value}Z`);
    return Number.isNaN(date.getTime()) ? null : date;
  }
  return typeof value === 'string' ? value : String(value);
}

/** What kind of axis a column needs. */
export function kindOf({ columns, rows }: Rows, name: string): 'number' | 'moment' | 'text' {
  const at = columns.findIndex((column) => column.name === name);
  const type = columns[at]?.type ?? '';
  if (isMoment(type)) return 'moment';
  return rows.some((row) => typeof row[at] === 'number') && rows.every((row) => typeof row[at] !== 'string')
    ? 'number'
    : 'text';
}

/** Names that a component uses and the result doesn't have. */
export function missingColumns({ columns }: Rows, names: readonly (string | undefined)[]): readonly string[] {
  const present = new Set(columns.map(({ name }) => name));
  return names.filter((name): name is string => name !== undefined && !present.has(name));
}
