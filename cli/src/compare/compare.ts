import { mapConcurrently } from '../warehouse/map-concurrently.ts';
import { bucketsOf, columnFingerprints, differingBuckets, fingerprintOf, rowsIn, type Shared } from './buckets.ts';
import type { RowDifference } from './cells.ts';
import type { MartSpec } from './marts.ts';
import { type RowCounts, type RowDifferences, rowDifferences } from './rows.ts';
import type { Column, Side } from './side.ts';
import { holdsFloats, withoutWidths } from './types.ts';

export interface ColumnDifference {
  readonly column: string;
  /** The type on each side; null if the column doesn't exist there. */
  readonly from: string | null;
  readonly to: string | null;
}

/** The comparison of one mart. */
export interface MartComparison {
  readonly schema: string;
  readonly name: string;
  readonly uniqueId: string;
  readonly status: 'equal' | 'different';
  /** The side that lacks the table; `both` if neither has it. */
  readonly missingIn?: string;
  readonly rows: { readonly from: number; readonly to: number };
  /** A fingerprint of all rows in any order; doubles count with ten digits, so equal tables may differ here. */
  readonly fingerprint: { readonly from: string; readonly to: string };
  readonly columns: readonly ColumnDifference[];
  readonly counts: RowCounts;
  /** Columns with differing cells, as far as rows with the same key were found. */
  readonly changedColumns: readonly string[];
  /** A sample of the rows that differ. */
  readonly differences: readonly RowDifference[];
  /** Whether more rows may differ than were counted. */
  readonly more: boolean;
  readonly ms: number;
}

export interface CompareOptions {
  /** How many differing rows to show per mart. */
  readonly samples?: number;
  readonly elapsed: () => number;
  readonly progress?: (text: string) => void;
}

const SAMPLES = 20;

/** Compares marts, a few at a time: schema, rows and, if they differ, keys and cells. */
export async function compareMarts(
  from: Side,
  to: Side,
  marts: readonly MartSpec[],
  options: CompareOptions,
): Promise<MartComparison[]> {
  let done = 0;
  return mapConcurrently(marts, async (mart) => {
    const started = options.elapsed();
    const compared = { ...(await compareMart(from, to, mart, options)), ms: options.elapsed() - started };
    done += 1;
    options.progress?.(`compared ${done} of ${marts.length} marts`);
    return compared;
  });
}

async function compareMart(
  from: Side,
  to: Side,
  mart: MartSpec,
  { samples = SAMPLES }: CompareOptions,
): Promise<Omit<MartComparison, 'ms'>> {
  const { schema, name, uniqueId, keys } = mart;
  const base = { schema, name, uniqueId };
  const [ours, theirs] = await Promise.all([columnsOf(from, mart), columnsOf(to, mart)]);
  if (ours === undefined || theirs === undefined) {
    const missingIn = ours !== undefined ? to.name : theirs !== undefined ? from.name : 'both';
    return { ...base, ...NOTHING, status: 'different', missingIn };
  }
  const columns = columnDifferences(ours, theirs);
  const table = sharedPart(schema, name, ours, theirs, keys);
  const [here, there] = await Promise.all([bucketsOf(from, table), bucketsOf(to, table)]);
  const isSame = differingBuckets(here, there).length === 0;
  const found = isSame ? NONE : await rowDifferences(from, to, table, { here, there }, samples);
  const { counts, more, samples: differences } = found;
  const differing = counts.missing + counts.extra + counts.changed;
  return {
    ...base,
    status: columns.length === 0 && differing === 0 ? 'equal' : 'different',
    rows: { from: rowsIn(here), to: rowsIn(there) },
    fingerprint: { from: fingerprintOf(here), to: fingerprintOf(there) },
    columns,
    counts,
    changedColumns: counts.changed === 0 ? [] : await changedColumns(from, to, table, found),
    differences,
    more,
  };
}

const NONE: RowDifferences = { counts: { missing: 0, extra: 0, changed: 0 }, more: false, samples: [] };

const NOTHING = {
  rows: { from: 0, to: 0 },
  fingerprint: { from: '0', to: '0' },
  columns: [],
  counts: NONE.counts,
  changedColumns: [],
  differences: [],
  more: false,
};

/** Names are case-insensitive on both engines. */
async function columnsOf(
  side: Side,
  { schema, name, ignore = [], hasContract = true }: MartSpec,
): Promise<Column[] | undefined> {
  const columns = await side.columns(schema, name);
  return columns
    ?.map((column) => ({
      name: column.name.toLowerCase(),
      type: hasContract ? column.type : withoutWidths(column.type),
    }))
    .filter((column) => !ignore.some((ignored) => ignored.toLowerCase() === column.name));
}

function columnDifferences(ours: readonly Column[], theirs: readonly Column[]): ColumnDifference[] {
  const typeIn = (columns: readonly Column[], name: string): string | null =>
    columns.find((column) => column.name === name)?.type ?? null;
  const names = [...new Set([...ours, ...theirs].map(({ name }) => name))];
  return names
    .map((column) => ({ column, from: typeIn(ours, column), to: typeIn(theirs, column) }))
    .filter((difference) => difference.from !== difference.to);
}

/**
 * Rows are compared by the columns that both sides have with the same type; others can't be equal anyway. Without a known
 * key, a row is identified by all of its columns except doubles, which are only nearly equal.
 */
function sharedPart(
  schema: string,
  name: string,
  ours: readonly Column[],
  theirs: readonly Column[],
  keys: readonly string[],
): Shared {
  const columns = ours.filter((column) =>
    theirs.some((other) => other.name === column.name && other.type === column.type),
  );
  const found = columns.filter((column) => keys.some((key) => key.toLowerCase() === column.name));
  const rest = columns.filter((column) => !found.includes(column));
  const known = keys.length > 0 && found.length === keys.length ? found : columns;
  return { schema, name, keys: known.filter(({ type }) => !holdsFloats(type)), columns: [...found, ...rest] };
}

/**
 * The columns that differ, not only in the sample. If the sample is incomplete, fingerprints of columns tell, provided that
 * both sides have the same keys; not for doubles, whose fingerprints differ by their last digits alone.
 */
async function changedColumns(
  from: Side,
  to: Side,
  table: Shared,
  { counts, samples, more }: RowDifferences,
): Promise<string[]> {
  const names = new Set(samples.flatMap(({ cells }) => cells.map(({ column }) => column)));
  const allShown = !more && samples.length === counts.changed;
  if (counts.missing + counts.extra === 0 && !allShown) {
    const exact = table.columns.filter(({ type }) => !holdsFloats(type));
    const [ours, theirs] = await Promise.all([
      columnFingerprints(from, table, exact),
      columnFingerprints(to, table, exact),
    ]);
    for (const { name } of exact) if (ours.get(name) !== theirs.get(name)) names.add(name);
  }
  return table.columns.map(({ name }) => name).filter((name) => names.has(name));
}
