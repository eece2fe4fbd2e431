import { type HashedRow, rowsOfBuckets, type Shared } from './buckets.ts';
import { cellText, rowText } from './rendering.ts';
import type { Side, TextRow } from './side.ts';
import { isFloating } from './types.ts';

/** Two doubles are equal when they differ by no more than this share of the greater: sums run in another order. */
export const TOLERANCE = 1e-9;

/** One row that is not the same on both sides. `null` stands for null. */
export interface RowDifference {
  readonly kind: 'missing' | 'extra' | 'changed';
  /** The key's columns and their values. */
  readonly key: Readonly<Record<string, string | null>>;
  /** For `changed`: the cells that differ. */
  readonly cells: readonly { readonly column: string; readonly from: string | null; readonly to: string | null }[];
}

/** How many buckets are looked into, and how many rows fetched, at once: each question costs more waiting than work. */
const LOOKED_INTO = 16;
const FETCHED = 500;

interface Found {
  readonly differences: readonly RowDifference[];
  readonly more: boolean;
}

/**
 * Looks into the buckets that differ until enough rows are found. Rows whose doubles differ in their last digits only are
 * equal: hashed with ten digits, a few of them fall to either side of a rounding.
 */
export async function rowDifferences(
  from: Side,
  to: Side,
  table: Shared,
  buckets: readonly string[],
  samples: number,
): Promise<Found> {
  const differences: RowDifference[] = [];
  for (let i = 0; i < buckets.length; i += LOOKED_INTO) {
    const some = buckets.slice(i, i + LOOKED_INTO);
    const [ours, theirs] = await Promise.all([rowsOfBuckets(from, table, some), rowsOfBuckets(to, table, some)]);
    const keys = unequalKeys(ours, theirs);
    for (let start = 0; start < keys.length; start += FETCHED) {
      const chosen = keys.slice(start, start + FETCHED);
      const [here, there] = await Promise.all([cellsOf(from, table, chosen), cellsOf(to, table, chosen)]);
      for (const key of chosen) differences.push(...compareRows(table, here.get(key) ?? [], there.get(key) ?? []));
      if (differences.length >= samples) {
        const more = differences.length > samples || start + FETCHED < keys.length || i + LOOKED_INTO < buckets.length;
        return { differences: differences.slice(0, samples), more };
      }
    }
  }
  return { differences, more: false };
}

/** Keys whose rows do not hash the same. */
function unequalKeys(ours: readonly HashedRow[], theirs: readonly HashedRow[]): string[] {
  const here = rowsByKey(ours);
  const there = rowsByKey(theirs);
  return [...new Set([...here.keys(), ...there.keys()])].filter((key) => here.get(key) !== there.get(key)).sort();
}

function rowsByKey(rows: readonly HashedRow[]): Map<string, string> {
  const lists = new Map<string, string[]>();
  for (const { key, row } of rows) lists.set(key, [...(lists.get(key) ?? []), row]);
  return new Map([...lists].map(([key, list]) => [key, list.sort().join()]));
}

async function cellsOf(side: Side, table: Shared, keys: readonly string[]): Promise<Map<string, TextRow[]>> {
  const { dialect } = side;
  const cells = table.columns.map(({ name, type }) => cellText(dialect, dialect.quote(name), type, { exact: true }));
  const key = `md5(${rowText(dialect, table.keys)})`;
  const list = keys.map((hash) => `'${hash}'`).join(', ');
  const aliased = [key, ...cells].map((sql, i) => `${sql} as c${i}`);
  const rows = await side.texts(
    `select ${aliased.join(', ')} from ${dialect.table(table.schema, table.name)} where ${key} in (${list})`,
  );
  const found = new Map<string, TextRow[]>();
  for (const [hash, ...row] of rows) found.set(hash ?? '', [...(found.get(hash ?? '') ?? []), row]);
  return found;
}

/** Pairs the rows of one key; equal ones first, so that a duplicate is told as one row too many. */
function compareRows(table: Shared, ours: readonly TextRow[], theirs: readonly TextRow[]): RowDifference[] {
  const here = [...ours];
  const there = [...theirs];
  for (const row of ours) {
    const twin = there.findIndex((other) => cellDifferences(table, row, other).length === 0);
    if (twin === -1) continue;
    there.splice(twin, 1);
    here.splice(here.indexOf(row), 1);
  }
  const differences: RowDifference[] = [];
  for (let i = 0; i < Math.max(here.length, there.length); i++) {
    const [mine, other] = [here[i], there[i]];
    if (mine === undefined && other !== undefined)
      differences.push({ kind: 'extra', key: keyOf(table, other), cells: [] });
    else if (mine !== undefined && other === undefined) {
      differences.push({ kind: 'missing', key: keyOf(table, mine), cells: [] });
    } else if (mine !== undefined && other !== undefined) {
      differences.push({ kind: 'changed', key: keyOf(table, mine), cells: cellDifferences(table, mine, other) });
    }
  }
  return differences;
}

function cellDifferences(table: Shared, mine: TextRow, other: TextRow): RowDifference['cells'] {
  return table.columns.flatMap(({ name: column, type }, i) => {
    const [from, to] = [mine[i] ?? null, other[i] ?? null];
    return isSame(type, from, to) ? [] : [{ column, from: shown(type, from), to: shown(type, to) }];
  });
}

function isSame(type: string, from: string | null, to: string | null): boolean {
  if (from === to) return true;
  if (from === null || to === null || !isFloating(type)) return false;
  const [a, b] = [numberOf(from), numberOf(to)];
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b);
  if (!Number.isFinite(a) || !Number.isFinite(b)) return a === b;
  return Math.abs(a - b) <= TOLERANCE * Math.max(Math.abs(a), Math.abs(b));
}

/** Engines write infinity as `inf` or `Infinity`, and no number as `nan` or `NaN`. */
const numberOf = (text: string): number => {
  const infinity = /^([+-]?)inf(inity)?$/i.exec(text);
  return infinity ? Number(`${infinity[1] === '-' ? '-' : ''}Infinity`) : Number(text);
};

/** A moment as people read it. */
function shown(type: string, text: string | null): string | null {
  if (text === null || type !== 'timestamp') return text;
  const micros = BigInt(text);
  const below = ((micros % 1000n) + 1000n) % 1000n;
  const iso = new Date(Number((micros - below) / 1000n)).toISOString().slice(0, -1);
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
