import {
  type Buckets,
  bucketsOf,
  COARSE,
  differingBuckets,
  FINE,
  type HashedRow,
  keyHash,
  rowsOfBuckets,
  type Shared,
} from './buckets.ts';
import { compareRows, type RowDifference } from './cells.ts';
import { cellText } from './rendering.ts';
import type { Side, TextRow } from './side.ts';
import { holdsFloats } from './types.ts';

/** The rows that differ, counted by kind. */
export interface RowCounts {
  readonly missing: number;
  readonly extra: number;
  readonly changed: number;
}

export interface RowDifferences {
  readonly counts: RowCounts;
  /** Whether there may be more than were counted, because counting on would have transferred too much. */
  readonly more: boolean;
  readonly samples: readonly RowDifference[];
}

/** If differing buckets have more rows than this, they are divided once more before hashes are fetched. */
const DIVIDED_FROM = 20_000;
/** How many hashed rows are fetched from a side, at once and in total. */
const HASHES_AT_ONCE = 20_000;
const HASHES = 200_000;
/** How many keys' rows are fetched, at once and in total. */
const ROWS_AT_ONCE = 2500;
const ROWS = 5000;

/** The names of buckets, each with its number of rows on the side that has more of them. */
type Leaves = readonly (readonly [bucket: string, rows: number])[];

/**
 * Finds the rows that differ. Hashes of the rows in differing buckets tell which keys to look at, and only their rows are
 * fetched. Rows whose doubles differ in their last digits only are equal; a few of them have different hashes, because ten
 * digits may be rounded up on one side and down on the other.
 */
export async function rowDifferences(
  from: Side,
  to: Side,
  table: Shared,
  buckets: { readonly here: Buckets; readonly there: Buckets },
  samples: number,
): Promise<RowDifferences> {
  const leaves = await leavesOf(from, to, table, buckets);
  const search = new Search(from, to, table, samples);
  let seen = 0;
  for (const some of batches(leaves)) {
    if (search.found > 0 && (seen >= HASHES || search.isSpent)) return search.result(true);
    const names = some.map(([bucket]) => bucket);
    const [ours, theirs] = await Promise.all([rowsOfBuckets(from, table, names), rowsOfBuckets(to, table, names)]);
    seen += Math.max(ours.length, theirs.length);
    await search.lookInto(ours, theirs);
  }
  return search.result(false);
}

async function leavesOf(
  from: Side,
  to: Side,
  table: Shared,
  { here, there }: { readonly here: Buckets; readonly there: Buckets },
): Promise<Leaves> {
  const coarse = differingBuckets(here, there);
  const sized = (names: readonly string[], ours: Buckets, theirs: Buckets): Leaves =>
    names.map((name) => [name, Math.max(ours.get(name)?.rows ?? 0, theirs.get(name)?.rows ?? 0)]);
  const leaves = sized(coarse, here, there);
  const rows = leaves.reduce((sum, [, count]) => sum + count, 0);
  if (rows <= DIVIDED_FROM) return leaves;
  const divided = (within: readonly string[]): Promise<[Buckets, Buckets]> =>
    Promise.all([bucketsOf(from, table, FINE, within), bucketsOf(to, table, FINE, within)]);
  // If nearly everything differs, dividing finds nothing to skip; trying one bucket shows that.
  if (coarse.length > 16 ** COARSE / 2 && isMostlyDifferent(...(await divided(coarse.slice(0, 1))))) return leaves;
  const [ours, theirs] = await divided(coarse);
  return sized(differingBuckets(ours, theirs), ours, theirs);
}

const isMostlyDifferent = (ours: Buckets, theirs: Buckets): boolean =>
  differingBuckets(ours, theirs).length > new Set([...ours.keys(), ...theirs.keys()]).size / 2;

/** Splits the list into parts of at most that many rows, or one bucket. */
function batches(leaves: Leaves): Leaves[] {
  const parts: (readonly [string, number])[][] = [];
  let rows = Number.POSITIVE_INFINITY;
  for (const leaf of leaves) {
    if (rows + leaf[1] > HASHES_AT_ONCE) {
      parts.push([]);
      rows = 0;
    }
    parts.at(-1)?.push(leaf);
    rows += leaf[1];
  }
  return parts;
}

/** Collects the differences, bucket by bucket. */
class Search {
  readonly #from: Side;
  readonly #to: Side;
  readonly #table: Shared;
  readonly #wanted: number;
  readonly #samples: RowDifference[] = [];
  readonly #counts = { missing: 0, extra: 0, changed: 0 };
  /** With doubles, only the cells tell whether rows with different hashes differ. */
  readonly #needsCells: boolean;
  #fetched = 0;
  /** Whether rows that should have been compared were skipped. */
  #skipped = false;

  constructor(from: Side, to: Side, table: Shared, samples: number) {
    this.#from = from;
    this.#to = to;
    this.#table = table;
    this.#wanted = samples;
    this.#needsCells = table.columns.some(({ type }) => holdsFloats(type));
  }

  get found(): number {
    const { missing, extra, changed } = this.#counts;
    return missing + extra + changed;
  }

  /** Whether enough rows were fetched, once a difference was found. Without one, all of them have to be fetched. */
  get isSpent(): boolean {
    return this.found > 0 && this.#fetched >= ROWS;
  }

  result(more: boolean): RowDifferences {
    return { counts: this.#counts, more: more || this.#skipped, samples: this.#samples };
  }

  async lookInto(ours: readonly HashedRow[], theirs: readonly HashedRow[]): Promise<void> {
    const here = hashesByKey(ours);
    const there = hashesByKey(theirs);
    const keys = [...new Set([...here.keys(), ...there.keys()])]
      .map((key): KeyHashes => ({ key, ...unpaired(here.get(key) ?? [], there.get(key) ?? []) }))
      .filter((hashes) => hashes.ours + hashes.theirs > 0)
      .sort((a, b) => (a.key < b.key ? -1 : 1));
    for (let start = 0; start < keys.length; start += ROWS_AT_ONCE) {
      await this.#lookAt(keys.slice(start, start + ROWS_AT_ONCE));
    }
  }

  async #lookAt(keys: readonly KeyHashes[]): Promise<void> {
    const isClear = ({ ours, theirs }: KeyHashes): boolean => !this.#needsCells || ours === 0 || theirs === 0;
    const clear = keys.filter(isClear);
    const unclear = keys.filter((key) => !isClear(key));
    for (const hashes of clear) this.#count(hashes);
    const sampled = clear.slice(0, Math.max(0, this.#wanted - this.#samples.length));
    const isSpent = this.isSpent;
    if (isSpent && unclear.length > 0) this.#skipped = true;
    const fetched = isSpent ? sampled : [...sampled, ...unclear];
    if (fetched.length === 0) return;
    this.#fetched += fetched.length;
    const names = fetched.map(({ key }) => key);
    const [here, there] = await Promise.all([
      cellsOf(this.#from, this.#table, names),
      cellsOf(this.#to, this.#table, names),
    ]);
    for (const hashes of fetched) {
      const found = compareRows(this.#table, here.get(hashes.key) ?? [], there.get(hashes.key) ?? []);
      if (!isClear(hashes)) for (const { kind } of found) this.#counts[kind] += 1;
      this.#samples.push(...found.slice(0, Math.max(0, this.#wanted - this.#samples.length)));
    }
  }

  #count({ ours, theirs }: KeyHashes): void {
    this.#counts.changed += Math.min(ours, theirs);
    this.#counts.missing += Math.max(0, ours - theirs);
    this.#counts.extra += Math.max(0, theirs - ours);
  }
}

/** How many rows of a key have no counterpart with the same hash on the other side. */
interface KeyHashes {
  readonly key: string;
  readonly ours: number;
  readonly theirs: number;
}

function hashesByKey(rows: readonly HashedRow[]): Map<string, string[]> {
  const lists = new Map<string, string[]>();
  for (const { key, row } of rows) {
    const list = lists.get(key);
    if (list === undefined) lists.set(key, [row]);
    else list.push(row);
  }
  return lists;
}

function unpaired(ours: readonly string[], theirs: readonly string[]): { ours: number; theirs: number } {
  const left = [...theirs];
  let paired = 0;
  for (const hash of ours) {
    const at = left.indexOf(hash);
    if (at === -1) continue;
    left.splice(at, 1);
    paired += 1;
  }
  return { ours: ours.length - paired, theirs: left.length };
}

async function cellsOf(side: Side, table: Shared, keys: readonly string[]): Promise<Map<string, TextRow[]>> {
  const { dialect } = side;
  const cells = table.columns.map(({ name, type }) => cellText(dialect, dialect.quote(name), type, { exact: true }));
  const key = keyHash(dialect, table);
  const list = keys.map((hash) => `'${hash}'`).join(', ');
  const aliased = [key, ...cells].map((sql, i) => `${sql} as c${i}`);
  const rows = await side.texts(
    `select ${aliased.join(', ')} from ${dialect.table(table.schema, table.name)} where ${key} in (${list})`,
  );
  const found = new Map<string, TextRow[]>();
  for (const [hash, ...row] of rows) found.set(hash ?? '', [...(found.get(hash ?? '') ?? []), row]);
  return found;
}
