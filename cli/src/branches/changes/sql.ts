import { TOLERANCE } from '../../compare/cells.ts';
import { cellText, rowText } from '../../compare/rendering.ts';
import type { Column, Dialect } from '../../compare/side.ts';
import { holdsFloats, isFloating } from '../../compare/types.ts';
import { quoteText } from '../../warehouse/databricks-sql.ts';

/** Two versions of a table on one target: what they have in common, and the key of their rows. */
export interface Versions {
  /** Quoted names. */
  readonly before: string;
  readonly after: string;
  readonly key: readonly Column[];
  /** The common columns that aren't of the key. */
  readonly columns: readonly Column[];
}

/** How many values of a text are shown, and how many rows of each kind. */
const TOP = 5;
const EXAMPLES = 5;

const isNumber = (type: string): boolean => /^(int\d+|float\d+|decimal\(.*\)|hugeint)$/.test(type);
const hasRange = (type: string): boolean => isNumber(type) || type === 'date' || type === 'timestamp';
export const hasTop = (type: string): boolean => type === 'string' || type === 'boolean';

/** Both versions, joined by their key: `b` and `a`, with the key as `k0…` and the other columns as `c0…`. */
function joined(dialect: Dialect, { before, after, key, columns }: Versions): string {
  const selected = [
    ...key.map(({ name }, i) => `${dialect.quote(name)} as k${i}`),
    ...columns.map(({ name }, i) => `${dialect.quote(name)} as c${i}`),
    'true as is_there',
  ].join(', ');
  // Null keys are equal, too.
  const on = key.map((_, i) => `b.k${i} <=> a.k${i}`).join(' and ');
  return `(select ${selected} from ${before}) as b full outer join (select ${selected} from ${after}) as a on ${on}`;
}

const BOTH = 'b.is_there and a.is_there';

/** Whether a column's values differ. Doubles may differ in their last digits, because sums run in another order each time. */
function differs(dialect: Dialect, { type }: Column, i: number): string {
  const [b, a] = [`b.c${i}`, `a.c${i}`];
  if (isFloating(type)) {
    const distance = `abs(${b} - ${a})`;
    // NaN counts as greater than any number and as equal to itself, so that it would be within the tolerance of anything.
    const isClose = `${distance} < cast('Infinity' as double) and ${distance} <= ${TOLERANCE} * greatest(abs(${b}), abs(${a}))`;
    return `(not (${b} <=> ${a}) and not coalesce(${isClose}, false))`;
  }
  // Maps can't be compared, and doubles inside of other values only after rounding.
  if (/\bmap</.test(type) || holdsFloats(type)) {
    return `(not (${cellText(dialect, b, type)} <=> ${cellText(dialect, a, type)}))`;
  }
  return `(not (${b} <=> ${a}))`;
}

const anyDiffers = (dialect: Dialect, { columns }: Versions): string =>
  columns.length === 0 ? 'false' : columns.map((column, i) => differs(dialect, column, i)).join(' or ');

const total = (dialect: Dialect, condition: string): string =>
  dialect.toText(`coalesce(sum(case when ${condition} then 1 else 0 end), 0)`);

/**
 * One row: the rows of both versions, those in both, added, removed and changed ones, and then the number of differing values per column.
 */
export const countsByKey = (dialect: Dialect, versions: Versions): string => `select
  ${dialect.toText(`(select count(*) from ${versions.before})`)} as rows_before,
  ${dialect.toText(`(select count(*) from ${versions.after})`)} as rows_after,
  ${[
    total(dialect, BOTH),
    total(dialect, 'b.is_there is null'),
    total(dialect, 'a.is_there is null'),
    total(dialect, `${BOTH} and (${anyDiffers(dialect, versions)})`),
    ...versions.columns.map((column, i) => total(dialect, `${BOTH} and ${differs(dialect, column, i)}`)),
  ]
    .map((sql, i) => `${sql} as n${i}`)
    .join(',\n  ')}
from ${joined(dialect, versions)}`;

/** One row: the rows of both versions, added and removed ones, with duplicates counted. */
export function countsOfRows(dialect: Dialect, { before, after, columns }: Versions): string {
  const hash = `md5(${rowText(dialect, columns)})`;
  return `select ${[
    'coalesce(sum(b), 0)',
    'coalesce(sum(a), 0)',
    'coalesce(sum(case when a > b then a - b else 0 end), 0)',
    'coalesce(sum(case when b > a then b - a else 0 end), 0)',
  ]
    .map((sql, i) => `${dialect.toText(sql)} as n${i}`)
    .join(', ')}
from (
  select row_hash, sum(b) as b, sum(a) as a
  from (
    select ${hash} as row_hash, 1 as b, 0 as a from ${before}
    union all
    select ${hash} as row_hash, 0 as b, 1 as a from ${after}
  ) as hashed
  group by row_hash
) as counted`;
}

/** One row: per column the number of nulls and, where there are, minimum, quartiles and maximum: five texts. */
export function profile(
  dialect: Dialect,
  table: string,
  columns: readonly Column[],
  hidden: ReadonlySet<string>,
): string {
  const cells = columns.flatMap(({ name, type }) => {
    const column = dialect.quote(name);
    const nothing = dialect.toText('null');
    const shown = hasRange(type) && !hidden.has(name);
    const quartile = (share: string): string =>
      shown && isNumber(type) ? dialect.toText(`percentile_approx(${column}, ${share})`) : nothing;
    return [
      dialect.toText(`coalesce(sum(case when ${column} is null then 1 else 0 end), 0)`),
      shown ? dialect.toText(`min(${column})`) : nothing,
      quartile('0.25'),
      quartile('0.5'),
      quartile('0.75'),
      shown ? dialect.toText(`max(${column})`) : nothing,
    ];
  });
  return `select ${cells.map((sql, i) => `${sql} as p${i}`).join(', ')} from ${table}`;
}

/** Rows of column, value, and how often it occurs before and after: the most frequent values. */
export function topValues(dialect: Dialect, { before, after }: Versions, columns: readonly Column[]): string {
  const pairs = columns.map(({ name }) => `${quoteText(name)}, ${dialect.toText(dialect.quote(name))}`).join(', ');
  const values = (table: string, b: number, a: number): string =>
    `select name, value, ${b} as b, ${a} as a from (select stack(${columns.length}, ${pairs}) as (name, value) from ${table}) as stacked`;
  return `select name, value, ${dialect.toText('b')} as b, ${dialect.toText('a')} as a
from (
  select name, value, b, a, row_number() over (partition by name order by greatest(b, a) desc, value) as place
  from (
    select name, value, sum(b) as b, sum(a) as a
    from (${values(before, 1, 0)} union all ${values(after, 0, 1)}) as valued
    where value is not null
    group by name, value
  ) as counted
) as placed
where place <= ${TOP}
order by name, place`;
}

/** Rows of the kind, the key's texts and, per column, whether it differs and both texts. */
export function examples(dialect: Dialect, versions: Versions, shown: ReadonlySet<string>): string {
  const { key, columns } = versions;
  const text = (sql: string, type: string): string => (type === 'binary' ? `hex(${sql})` : dialect.toText(sql));
  const cells = columns.flatMap((column, i) => {
    if (!shown.has(column.name)) return [];
    const flag = `case when ${BOTH} and ${differs(dialect, column, i)} then 'yes' else 'no' end`;
    return [flag, text(`b.c${i}`, column.type), text(`a.c${i}`, column.type)];
  });
  const keys = key.map(({ type }, i) => text(`coalesce(b.k${i}, a.k${i})`, type));
  const kind = `case when b.is_there is null then 'added' when a.is_there is null then 'removed' else 'changed' end`;
  const all = [...keys, ...cells];
  const order = key.map((_, i) => `x${i}`).join(', ');
  return `select kind, ${all.map((_, i) => `x${i}`).join(', ')}
from (
  select *, row_number() over (partition by kind order by ${order}) as place
  from (
    select ${kind} as kind, ${all.map((sql, i) => `${sql} as x${i}`).join(', ')}
    from ${joined(dialect, versions)}
    where b.is_there is null or a.is_there is null or ${anyDiffers(dialect, versions)}
  ) as differing
) as placed
where place <= ${EXAMPLES}
order by kind, place`;
}
