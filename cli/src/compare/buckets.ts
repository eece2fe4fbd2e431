import { z } from 'zod';
import { cellText, rowText } from './rendering.ts';
import type { Column, Dialect, Side } from './side.ts';

/** The content of one bucket: equal fingerprints mean equal rows, in any order. */
export interface Bucket {
  readonly rows: number;
  /** A sum of hashes, which counts each duplicate of a row. */
  readonly fingerprint: bigint;
}

/** Buckets by the first digits of their rows' hashed key. */
export type Buckets = ReadonlyMap<string, Bucket>;

/** The hashes of a row's key and content. */
export interface HashedRow {
  readonly key: string;
  readonly row: string;
}

/** The part of the table that both sides have: their common columns, those of the key first. */
export interface Shared {
  readonly schema: string;
  readonly name: string;
  readonly keys: readonly Column[];
  readonly columns: readonly Column[];
}

/** How many hexadecimal digits name a bucket: first 256 buckets, then each of them divided into 256. */
export const COARSE = 2;
export const FINE = 4;

/** The hash of a row's key. */
export const keyHash = (dialect: Dialect, { keys }: Shared): string => `md5(${rowText(dialect, keys)})`;

function hashed(dialect: Dialect, table: Shared): string {
  const { schema, name, columns } = table;
  return `select ${keyHash(dialect, table)} as key_hash, md5(${rowText(dialect, columns)}) as row_hash from ${dialect.table(schema, name)}`;
}

const isIn = (buckets: readonly string[]): string =>
  `substr(key_hash, 1, ${buckets[0]?.length ?? 0}) in (${buckets.map((bucket) => `'${bucket}'`).join(', ')})`;

/**
 * Fingerprints of buckets, computed by each warehouse.
 * @param within restricts them to rows of these coarser buckets.
 */
export async function bucketsOf(
  side: Side,
  table: Shared,
  digits: number = COARSE,
  within?: readonly string[],
): Promise<Buckets> {
  const { dialect } = side;
  const sum = dialect.toText(`sum(${dialect.number60('row_hash')})`);
  const rows = await side.texts(
    `select substr(key_hash, 1, ${digits}) as bucket, ${dialect.toText('count(*)')} as row_count, ${sum} as fingerprint
     from (${hashed(dialect, table)}) as hashed ${within === undefined ? '' : `where ${isIn(within)}`} group by 1`,
  );
  const parsed = z.array(z.tuple([z.string(), z.coerce.number(), z.string()])).parse(rows);
  return new Map(parsed.map(([bucket, count, sumOf]) => [bucket, { rows: count, fingerprint: BigInt(sumOf) }]));
}

/** The buckets that differ. */
export function differingBuckets(here: Buckets, there: Buckets): string[] {
  return [...new Set([...here.keys(), ...there.keys()])]
    .filter((bucket) => {
      const [ours, theirs] = [here.get(bucket), there.get(bucket)];
      return ours?.rows !== theirs?.rows || ours?.fingerprint !== theirs?.fingerprint;
    })
    .sort();
}

export const rowsIn = (buckets: Buckets): number => [...buckets.values()].reduce((sum, { rows }) => sum + rows, 0);

/** The fingerprint of all rows, in hexadecimal digits. */
export const fingerprintOf = (buckets: Buckets): string =>
  [...buckets.values()].reduce((sum, { fingerprint }) => sum + fingerprint, 0n).toString(16);

/** The hashes of the rows of some buckets. */
export async function rowsOfBuckets(side: Side, table: Shared, buckets: readonly string[]): Promise<HashedRow[]> {
  const rows = await side.texts(
    `select key_hash, row_hash from (${hashed(side.dialect, table)}) as hashed where ${isIn(buckets)}`,
  );
  return z
    .array(z.tuple([z.string(), z.string()]))
    .parse(rows)
    .map(([key, row]) => ({ key, row }));
}

/** A fingerprint per column, over each cell with its row's key, so that swapped values are detected. */
export async function columnFingerprints(
  side: Side,
  table: Shared,
  columns: readonly Column[],
): Promise<ReadonlyMap<string, string>> {
  if (columns.length === 0) return new Map();
  const { dialect } = side;
  const key = keyHash(dialect, table);
  const sums = columns.map(({ name, type }, i) => {
    const cell = `md5(${key} || coalesce('=' || ${cellText(dialect, dialect.quote(name), type)}, ''))`;
    return `${dialect.toText(`sum(${dialect.number60(cell)})`)} as c${i}`;
  });
  const [row = []] = await side.texts(`select ${sums.join(', ')} from ${dialect.table(table.schema, table.name)}`);
  return new Map(columns.map(({ name }, i) => [name, row[i] ?? '0']));
}
