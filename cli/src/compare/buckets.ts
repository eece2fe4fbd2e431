import { z } from 'zod';
import { rowText } from './rendering.ts';
import type { Column, Dialect, Side } from './side.ts';

/** Rows are dealt out by their key to so many buckets; only buckets whose fingerprints differ are looked into. */
const BUCKET_DIGITS = 2;

/** What is known of one bucket: equal fingerprints mean equal rows, in whatever order. */
export interface Bucket {
  readonly rows: number;
  readonly fingerprint: string;
}

/** A row by its key and its content, both hashed. */
export interface HashedRow {
  readonly key: string;
  readonly row: string;
}

/** The table as both sides see it: the columns that both have, with the key's first. */
export interface Shared {
  readonly schema: string;
  readonly name: string;
  readonly keys: readonly Column[];
  readonly columns: readonly Column[];
}

function hashed(dialect: Dialect, { schema, name, keys, columns }: Shared): string {
  return `select md5(${rowText(dialect, keys)}) as key_hash, md5(${rowText(dialect, columns)}) as row_hash from ${dialect.table(schema, name)}`;
}

/** Fingerprints of all buckets, computed where the rows are. The sum of hashes counts a row as often as it is there. */
export async function bucketsOf(side: Side, table: Shared): Promise<Map<string, Bucket>> {
  const { dialect } = side;
  const sum = dialect.toText(`sum(${dialect.number60('row_hash')})`);
  const rows = await side.texts(
    `select substr(key_hash, 1, ${BUCKET_DIGITS}) as bucket, ${dialect.toText('count(*)')} as row_count, ${sum} as fingerprint
     from (${hashed(dialect, table)}) as hashed group by 1`,
  );
  const parsed = z.array(z.tuple([z.string(), z.coerce.number(), z.string()])).parse(rows);
  return new Map(parsed.map(([bucket, count, fingerprint]) => [bucket, { rows: count, fingerprint }]));
}

/** The hashes of the rows of some buckets. */
export async function rowsOfBuckets(side: Side, table: Shared, buckets: readonly string[]): Promise<HashedRow[]> {
  const list = buckets.map((bucket) => `'${bucket}'`).join(', ');
  const rows = await side.texts(
    `select key_hash, row_hash from (${hashed(side.dialect, table)}) as hashed where substr(key_hash, 1, ${BUCKET_DIGITS}) in (${list})`,
  );
  return z
    .array(z.tuple([z.string(), z.string()]))
    .parse(rows)
    .map(([key, row]) => ({ key, row }));
}
