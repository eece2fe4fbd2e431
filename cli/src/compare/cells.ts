import type { Shared } from './buckets.ts';
import type { TextRow } from './side.ts';
import { holdsFloats, isFloating } from './types.ts';

/** Doubles are equal if they differ by no more than this share of the greater, because sums may run in another order. */
export const TOLERANCE = 1e-9;

/** One row that differs. */
export interface RowDifference {
  readonly kind: 'missing' | 'extra' | 'changed';
  /** The key's columns and their values. */
  readonly key: Readonly<Record<string, string | null>>;
  /** For `changed`: the cells that differ. */
  readonly cells: readonly CellDifference[];
}

export interface CellDifference {
  readonly column: string;
  readonly from: string | null;
  readonly to: string | null;
}

/** Pairs the rows of one key, equal ones first, so that a duplicate is reported as one extra row. */
export function compareRows(table: Shared, ours: readonly TextRow[], theirs: readonly TextRow[]): RowDifference[] {
  const here = [...ours];
  const there = [...theirs];
  for (const row of ours) {
    const twin = there.findIndex((other) => cellDifferences(table, row, other).length === 0);
    if (twin === -1) continue;
    there.splice(twin, 1);
    here.splice(here.indexOf(row), 1);
  }
  const changed = Math.min(here.length, there.length);
  return [
    ...here.slice(0, changed).map((row, i) => changedRow(table, row, there[i] ?? [])),
    ...here.slice(changed).map((row) => ({ kind: 'missing' as const, key: keyOf(table, row), cells: [] })),
    ...there.slice(changed).map((row) => ({ kind: 'extra' as const, key: keyOf(table, row), cells: [] })),
  ];
}

const changedRow = (table: Shared, mine: TextRow, other: TextRow): RowDifference => ({
  kind: 'changed',
  key: keyOf(table, mine),
  cells: cellDifferences(table, mine, other),
});

function cellDifferences(table: Shared, mine: TextRow, other: TextRow): CellDifference[] {
  return table.columns.flatMap(({ name: column, type }, i) => {
    const [from, to] = [mine[i] ?? null, other[i] ?? null];
    return isSameCell(type, from, to) ? [] : [{ column, from: shown(type, from), to: shown(type, to) }];
  });
}

/** Whether two cells, as text, are equal; doubles within the tolerance. */
export function isSameCell(type: string, from: string | null, to: string | null): boolean {
  if (from === to) return true;
  if (from === null || to === null || !holdsFloats(type)) return false;
  if (isFloating(type)) return isClose(from, to);
  const [ours, theirs] = [from.split(/[:,]/), to.split(/[:,]/)];
  return ours.length === theirs.length && ours.every((text, i) => isSamePart(text, theirs[i] ?? ''));
}

/** A double inside an array or a struct is written as `1.234567890e+00`. */
const NESTED_DOUBLE = /^-?\d\.\d{9}e[+-]\d+$/;

const isSamePart = (text: string, other: string): boolean =>
  text === other || (NESTED_DOUBLE.test(text) && NESTED_DOUBLE.test(other) && isClose(text, other));

function isClose(from: string, to: string): boolean {
  const [a, b] = [numberOf(from), numberOf(to)];
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b);
  if (!Number.isFinite(a) || !Number.isFinite(b)) return a === b;
  return Math.abs(a - b) <= TOLERANCE * Math.max(Math.abs(a), Math.abs(b));
}

/** Engines write infinity as `inf` or `Infinity`, and NaN as `nan` or `NaN`. */
function numberOf(text: string): number {
  const infinity = /^([+-]?)inf(inity)?$/i.exec(text);
  return infinity ? Number(`${infinity[1] === '-' ? '-' : ''}Infinity`) : Number(text);
}

const DAY_MS = 86_400_000;
/** The range of JavaScript's Date, in days before and after 1970. */
const LAST_DAY = 100_000_000;

/** A timestamp or a date in a readable form. */
function shown(type: string, text: string | null): string | null {
  if (text === null) return null;
  if (type === 'date' && Math.abs(Number(text)) <= LAST_DAY) {
    return new Date(Number(text) * DAY_MS).toISOString().replace(/T.*/, '');
  }
  if (type !== 'timestamp') return text;
  const micros = BigInt(text);
  const below = ((micros % 1000n) + 1000n) % 1000n;
  const millis = Number((micros - below) / 1000n);
  if (Math.abs(millis) > LAST_DAY * DAY_MS) return `${text} µs`;
  const iso = new Date(millis).toISOString().slice(0, -1);
  return below === 0n ? iso : `${iso}${String(below).padStart(3, '0')}`;
}

function keyOf(table: Shared, row: TextRow): RowDifference['key'] {
  return Object.fromEntries(
    table.keys.map(({ name, type }) => {
      const at = table.columns.findIndex((column) => column.name === name);
      return [name, shown(type, row[at] ?? null)];
    }),
  );
}
