import type { ColumnDifference } from '../../compare/compare.ts';
import type { MartSpec } from '../../compare/marts.ts';
import type { Column, Side, TextRow } from '../../compare/side.ts';
import { mapConcurrently } from '../../warehouse/map-concurrently.ts';
import type { Example, MartChange, Range, TopValue, ValueChange } from './mart-change.ts';
import { countsByKey, countsOfRows, examples, hasTop, profile, topValues, type Versions } from './sql.ts';

/** A public mart, where it is in the branch, and what must not be shown of it. */
export interface BranchMart extends MartSpec {
  /** `schema.name` in the branch. */
  readonly place: readonly [schema: string, name: string];
  /** Lower-case names of its personal columns. */
  readonly personal: ReadonlySet<string>;
  readonly drift?: string | undefined;
}

/** Compares marts of a branch with what readers see now, a few at a time. All of the work is done where the rows are. */
export function findChanges(
  side: Side,
  marts: readonly BranchMart[],
  progress: (text: string) => void,
): Promise<MartChange[]> {
  let done = 0;
  return mapConcurrently(marts, async (mart) => {
    const change = await changeOf(side, mart);
    done += 1;
    progress(`compared ${done} of ${marts.length} marts`);
    return change;
  });
}

async function changeOf(side: Side, mart: BranchMart): Promise<MartChange> {
  const { schema, name, uniqueId, place, drift } = mart;
  const [before, after] = await Promise.all([columnsOf(side, schema, name), columnsOf(side, ...place)]);
  const shared = {
    name,
    uniqueId,
    before: `${schema}.${name}`,
    after: place.join('.'),
    ...(drift === undefined ? {} : { drift }),
  };
  if (before === undefined || after === undefined) {
    const table = side.dialect.table(...place);
    const [[rows] = ['0']] =
      after === undefined ? [] : await side.texts(`select ${side.dialect.toText('count(*)')} as n from ${table}`);
    const none = { key: mart.keys, removed: 0, changed: 0, columns: [], values: [], examples: [] };
    return { ...shared, ...none, status: 'new', rows: { before: 0, after: Number(rows) }, added: Number(rows) };
  }
  const columns = columnDifferences(before, after);
  const found = await rowsOf(side, mart, before, after);
  const isSame = columns.length === 0 && found.added + found.removed + (found.changed ?? 0) === 0;
  return { ...shared, ...found, columns, status: isSame ? 'same' : 'changed' };
}

async function columnsOf(side: Side, schema: string, name: string): Promise<Column[] | undefined> {
  const columns = await side.columns(schema, name);
  return columns?.map((column) => ({ ...column, name: column.name.toLowerCase() }));
}

function columnDifferences(before: readonly Column[], after: readonly Column[]): ColumnDifference[] {
  const typeIn = (columns: readonly Column[], name: string): string | null =>
    columns.find((column) => column.name === name)?.type ?? null;
  return [...new Set([...before, ...after].map(({ name }) => name))]
    .map((column) => ({ column, from: typeIn(before, column), to: typeIn(after, column) }))
    .filter(({ from, to }) => from !== to);
}

type Found = Pick<MartChange, 'rows' | 'key' | 'added' | 'removed' | 'changed' | 'values' | 'examples'>;

async function rowsOf(
  side: Side,
  mart: BranchMart,
  before: readonly Column[],
  after: readonly Column[],
): Promise<Found> {
  const { schema, name, place } = mart;
  const common = before.filter((one) => after.some((other) => other.name === one.name && other.type === one.type));
  const keys = mart.keys.map((key) => key.toLowerCase());
  const key = common.filter((column) => keys.includes(column.name));
  const tables = { before: side.dialect.table(schema, name), after: side.dialect.table(...place) };
  if (key.length > 0 && key.length === keys.length) {
    const columns = common.filter((column) => !key.includes(column));
    const found = await byKey(side, { ...tables, key, columns }, mart.personal);
    if (found !== undefined) return found;
  }
  return asAWhole(side, { ...tables, key: [], columns: common }, mart.personal);
}

/** @returns undefined if the key isn't unique. */
async function byKey(side: Side, versions: Versions, personal: ReadonlySet<string>): Promise<Found | undefined> {
  const [row = []] = await side.texts(countsByKey(side.dialect, versions));
  const [rowsBefore = 0, rowsAfter = 0, both = 0, added = 0, removed = 0, changed = 0, ...perColumn] = row.map(Number);
  if (both + removed !== rowsBefore || both + added !== rowsAfter) return undefined;
  const differing = new Map(versions.columns.map(({ name }, i) => [name, perColumn[i] ?? 0]));
  const isMoved = added + removed > 0;
  const profiled = versions.columns.filter(({ name }) => isMoved || (differing.get(name) ?? 0) > 0);
  const isSame = added + removed + changed === 0;
  return {
    rows: { before: rowsBefore, after: rowsAfter },
    key: versions.key.map(({ name }) => name),
    added,
    removed,
    changed,
    values: isSame ? [] : await valuesOf(side, versions, profiled, personal, (name) => differing.get(name) ?? 0),
    examples: isSame ? [] : await examplesOf(side, versions, personal),
  };
}

async function asAWhole(side: Side, versions: Versions, personal: ReadonlySet<string>): Promise<Found> {
  const [row = []] = await side.texts(countsOfRows(side.dialect, versions));
  const [rowsBefore = 0, rowsAfter = 0, added = 0, removed = 0] = row.map(Number);
  const isSame = added + removed === 0;
  return {
    rows: { before: rowsBefore, after: rowsAfter },
    key: [],
    added,
    removed,
    changed: null,
    values: isSame ? [] : await valuesOf(side, versions, versions.columns, personal, () => null),
    examples: [],
  };
}

async function valuesOf(
  side: Side,
  versions: Versions,
  columns: readonly Column[],
  personal: ReadonlySet<string>,
  differing: (column: string) => number | null,
): Promise<ValueChange[]> {
  if (columns.length === 0) return [];
  const { dialect } = side;
  const texts = columns.filter(({ name, type }) => hasTop(type) && !personal.has(name));
  const [[before = []], [after = []], top] = await Promise.all([
    side.texts(profile(dialect, versions.before, columns, personal)),
    side.texts(profile(dialect, versions.after, columns, personal)),
    texts.length === 0 ? [] : side.texts(topValues(dialect, versions, texts)),
  ]);
  return columns
    .map(({ name }, i): ValueChange => {
      const [b, a] = [profileAt(before, i), profileAt(after, i)];
      const most = top.filter(([column]) => column === name).map(topOf);
      return {
        column: name,
        personal: personal.has(name),
        differing: differing(name),
        nulls: { before: b.nulls, after: a.nulls },
        ...(b.range.min === null && a.range.min === null ? {} : { range: { before: b.range, after: a.range } }),
        ...(most.length === 0 ? {} : { top: most }),
      };
    })
    .filter(isVisible);
}

/** Texts per column in a profile. */
const PROFILE = 6;

function profileAt(row: TextRow, i: number): { nulls: number; range: Range } {
  const [nulls, min = null, low = null, middle = null, high = null, max = null] = row.slice(
    i * PROFILE,
    (i + 1) * PROFILE,
  );
  return { nulls: Number(nulls ?? 0), range: { min, quartiles: [low, middle, high], max } };
}

const topOf = ([, value, before, after]: TextRow): TopValue => ({
  value: value ?? '',
  before: Number(before),
  after: Number(after),
});

/** Whether there is something to say about a column. */
const isVisible = ({ differing, nulls, range, top = [] }: ValueChange): boolean =>
  (differing ?? 0) > 0 ||
  nulls.before !== nulls.after ||
  JSON.stringify(range?.before) !== JSON.stringify(range?.after) ||
  top.some(({ before, after }) => before !== after);

async function examplesOf(side: Side, versions: Versions, personal: ReadonlySet<string>): Promise<Example[]> {
  const { key, columns } = versions;
  if (key.some(({ name }) => personal.has(name))) return [];
  const shown = columns.filter(({ name }) => !personal.has(name));
  const rows = await side.texts(examples(side.dialect, versions, new Set(shown.map(({ name }) => name))));
  return rows.map(([kind, ...texts]): Example => {
    const cells = shown.flatMap(({ name: column }, i) => {
      const [flag, before = null, after = null] = texts.slice(key.length + i * 3);
      return flag === 'yes' ? [{ column, before, after }] : [];
    });
    return {
      kind: kind === 'added' || kind === 'removed' ? kind : 'changed',
      key: Object.fromEntries(key.map(({ name }, i) => [name, texts[i] ?? null])),
      cells,
    };
  });
}
