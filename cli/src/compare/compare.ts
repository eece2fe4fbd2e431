import { type Bucket, bucketsOf, type Shared } from './buckets.ts';
import type { MartSpec } from './marts.ts';
import { type RowDifference, rowDifferences } from './rows.ts';
import type { Column, Side } from './side.ts';

export interface ColumnDifference {
  readonly column: string;
  /** The type on either side; null where the column is not there. */
  readonly from: string | null;
  readonly to: string | null;
}

/** How one mart compares on two sides. */
export interface MartComparison {
  readonly schema: string;
  readonly name: string;
  readonly uniqueId: string;
  readonly status: 'equal' | 'different';
  /** The side that has no such table. */
  readonly missingIn?: string;
  readonly rows: { readonly from: number; readonly to: number };
  readonly columns: readonly ColumnDifference[];
  /** A sample of the rows that differ. */
  readonly differences: readonly RowDifference[];
  /** Whether there may be more than the sample shows. */
  readonly more: boolean;
  readonly ms: number;
}

export interface CompareOptions {
  /** How many differing rows of a mart are shown. */
  readonly samples?: number;
  readonly elapsed: () => number;
  readonly progress?: (text: string) => void;
}

const SAMPLES = 20;

/** Compares marts, one after the other: schema, rows, and, where they differ, the keys and cells that do. */
export async function compareMarts(
  from: Side,
  to: Side,
  marts: readonly MartSpec[],
  options: CompareOptions,
): Promise<MartComparison[]> {
  const compared: MartComparison[] = [];
  for (const mart of marts) {
    options.progress?.(`comparing ${mart.name}`);
    const started = options.elapsed();
    compared.push({ ...(await compareMart(from, to, mart, options)), ms: options.elapsed() - started });
  }
  return compared;
}

async function compareMart(
  from: Side,
  to: Side,
  { schema, name, uniqueId, keys }: MartSpec,
  { samples = SAMPLES }: CompareOptions,
): Promise<Omit<MartComparison, 'ms'>> {
  const base = { schema, name, uniqueId };
  const [ours, theirs] = await Promise.all([from.columns(schema, name), to.columns(schema, name)]);
  if (ours === undefined || theirs === undefined) {
    const missingIn = ours === undefined ? from.name : to.name;
    return {
      ...base,
      status: 'different',
      missingIn,
      rows: { from: 0, to: 0 },
      columns: [],
      differences: [],
      more: false,
    };
  }
  const columns = columnDifferences(ours, theirs);
  const table = sharedPart(schema, name, ours, theirs, keys);
  const [here, there] = await Promise.all([bucketsOf(from, table), bucketsOf(to, table)]);
  const { differences, more } = await rowDifferences(from, to, table, differingBuckets(here, there), samples);
  return {
    ...base,
    status: columns.length === 0 && differences.length === 0 ? 'equal' : 'different',
    rows: { from: countOf(here), to: countOf(there) },
    columns,
    differences,
    more,
  };
}

function columnDifferences(ours: readonly Column[], theirs: readonly Column[]): ColumnDifference[] {
  const typeIn = (columns: readonly Column[], name: string): string | null =>
    columns.find((column) => column.name === name)?.type ?? null;
  const names = [...new Set([...ours, ...theirs].map(({ name }) => name))];
  return names
    .map((column) => ({ column, from: typeIn(ours, column), to: typeIn(theirs, column) }))
    .filter((difference) => difference.from !== difference.to);
}

/** Rows are compared over the columns that both have with the same type: others can't be equal anyway. */
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
  const found = columns.filter((column) => keys.includes(column.name));
  const rest = columns.filter((column) => !found.includes(column));
  const known = keys.length > 0 && found.length === keys.length;
  return { schema, name, keys: known ? found : columns, columns: [...found, ...rest] };
}

function differingBuckets(here: ReadonlyMap<string, Bucket>, there: ReadonlyMap<string, Bucket>): string[] {
  return [...new Set([...here.keys(), ...there.keys()])]
    .filter((bucket) => {
      const [ours, theirs] = [here.get(bucket), there.get(bucket)];
      return ours?.rows !== theirs?.rows || ours?.fingerprint !== theirs?.fingerprint;
    })
    .sort();
}

const countOf = (buckets: ReadonlyMap<string, Bucket>): number =>
  [...buckets.values()].reduce((sum, { rows }) => sum + rows, 0);
