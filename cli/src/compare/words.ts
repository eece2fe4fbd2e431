import type { MartComparison } from './compare.ts';
import type { RowCounts } from './rows.ts';

/** `3 rows changed, 1 missing`; with `at least` if not all were counted. */
export function countsInWords(counts: RowCounts, more: boolean): string {
  const parts = (['changed', 'missing', 'extra'] as const).filter((kind) => counts[kind] > 0);
  const words = parts.map((kind, i) => {
    const noun = i > 0 ? '' : counts[kind] === 1 ? 'row ' : 'rows ';
    return `${counts[kind]} ${noun}${kind}`;
  });
  return `${more ? 'at least ' : ''}${words.join(', ')}`;
}

/** The sides that lack a table, as text. */
export const absence = (missingIn: string): string => (missingIn === 'both' ? 'in neither' : `not in ${missingIn}`);

/** How many rows differ, in which columns, and how many are shown; empty if none differ. */
export function summaryOf({ counts, changedColumns, differences, more }: MartComparison): string {
  const words = countsInWords(counts, more);
  const where = changedColumns.length === 0 ? '' : ` (in ${changedColumns.join(', ')})`;
  const all = counts.changed + counts.missing + counts.extra;
  const shown = differences.length < all || more ? `; ${differences.length} are shown` : '';
  return words === '' ? '' : `${words}${where}${shown}`;
}
