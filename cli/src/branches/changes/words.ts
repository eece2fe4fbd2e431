import { cellText } from '../../text/table.ts';
import { formatCount, plural, truncate } from '../../text/text.ts';
import type { Exceeded } from './limits.ts';
import type { MartChange, Range, ValueChange } from './mart-change.ts';

/** `3 rows changed, 1 added`; `nothing` if nothing differs. */
export function changeInWords({ status, added, removed, changed, columns, rows }: MartChange): string {
  if (status === 'new') return `new, with ${plural(rows.after, 'row')}`;
  const parts = [
    [changed ?? 0, 'changed'],
    [added, 'added'],
    [removed, 'removed'],
  ] as const;
  const counted = parts
    .filter(([count]) => count > 0)
    .map(([count, what], i) => (i === 0 ? `${plural(count, 'row')} ${what}` : `${formatCount(count)} ${what}`));
  const types = columns.length === 0 ? [] : [plural(columns.length, 'column')];
  return [...counted, ...types].join(', ') || 'nothing';
}

/** About a mart whose rows can't be paired. */
export const NO_KEY = 'Rows have no unique key in common, so a changed one counts as one removed and one added.';

/** A sentence about a limit that is exceeded. */
export const exceededSentence = ({ mart, limit, allowed, rows, of }: Exceeded): string =>
  `${mart}: ${formatCount(rows)} of ${plural(of, 'row')}${of === 0 ? '' : ` (${percent(rows / of)})`}, but ${limit} is ${allowed}`;

const percent = (share: number): string => `${Number((share * 100).toPrecision(3))}%`;

/** What is known about the values of a column, before and after. */
export function valuesInWords({ personal, nulls, range, top = [] }: ValueChange): string[] {
  const empty =
    nulls.before === nulls.after ? [] : [`nulls ${formatCount(nulls.before)} → ${formatCount(nulls.after)}`];
  if (personal) return [...empty, 'personal: no values are shown'];
  const spread = range === undefined ? [] : rangeInWords(range.before, range.after);
  const values = top
    .filter(({ before, after }) => before !== after)
    .map(({ value, before, after }) => `${shortened(value)} ${formatCount(before)} → ${formatCount(after)}`);
  return [...empty, ...spread, ...values];
}

const NAMES = ['min', 'q1', 'median', 'q3', 'max'] as const;

function rangeInWords(before: Range, after: Range): string[] {
  const [b, a] = [before, after].map(({ min, quartiles, max }) => [min, ...quartiles, max]);
  return NAMES.flatMap((name, i) => {
    const [from, to] = [b?.[i] ?? null, a?.[i] ?? null];
    return from === to ? [] : [`${name} ${from ?? 'none'} → ${to ?? 'none'}`];
  });
}

const LONGEST = 40;
/** Values come from data: what they hold must not control the terminal. */
const shortened = (text: string): string => `'${truncate(cellText(text), LONGEST)}'`;
