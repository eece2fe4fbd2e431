import type { FixtureDifference } from '../engine/protocol.ts';
import type { Style } from './style.ts';
import { plural } from './text.ts';

/** One line of the table: a mark, its cells, and the line of the file that expects it. */
interface Line {
  readonly mark: '-' | '+' | '≠' | ' ';
  readonly cells: readonly string[];
  /** The columns of these cells that differ. */
  readonly marked?: readonly string[];
  readonly line?: number | null;
}

/**
 * A table of differences: `-` is missing, `+` is unexpected, `≠` differs in the marked cells, with the expected value
 * first.
 */
export function renderDifference(difference: FixtureDifference, style: Style): string {
  const { columns, counts } = difference;
  const lines: Line[] = [
    { mark: ' ', cells: columns },
    ...difference.differing.map((row): Line => {
      const cells = row.expected.map((cell, index) =>
        row.at.includes(columns[index] ?? '') ? `${cell} → ${row.actual[index]}` : cell,
      );
      return { mark: '≠', cells, marked: row.at, line: row.line };
    }),
    ...difference.missing.map((row): Line => ({ mark: '-', cells: row.cells, line: row.line })),
    ...difference.extra.map((row): Line => ({ mark: '+', cells: row.cells })),
  ];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => (line.cells[index] ?? '').length)));
  const paint = (line: Line, cell: string, index: number): string => {
    const padded = cell.padEnd(widths[index] ?? 0);
    if (line.mark === '-') return style.bad(padded);
    if (line.mark === '+') return style.good(padded);
    if (line.marked?.includes(columns[index] ?? '')) return style.caution(padded);
    return line.mark === ' ' ? style.dim(padded) : padded;
  };
  const body = lines.map((line) => {
    const cells = line.cells
      .map((cell, index) => paint(line, cell, index))
      .join('  ')
      .trimEnd();
    return `  ${line.mark} ${cells}${line.line ? style.dim(`   line ${line.line}`) : ''}`;
  });
  const parts = [
    ...(counts.differing > 0
      ? [`${plural(counts.differing, 'row')} ${counts.differing === 1 ? 'differs' : 'differ'} (expected → actual)`]
      : []),
    ...(counts.missing > 0 ? [`${plural(counts.missing, 'row')} missing`] : []),
    ...(counts.extra > 0 ? [`${plural(counts.extra, 'row')} unexpected`] : []),
  ];
  const shown = difference.differing.length + difference.missing.length + difference.extra.length;
  const hidden = counts.differing + counts.missing + counts.extra - shown;
  const head = `${parts.join(', ')}; ${counts.expected} expected, ${counts.actual} actual:`;
  return [head, ...body, ...(hidden > 0 ? [style.dim(`  … and ${plural(hidden, 'row')} more`)] : [])].join('\n');
}
