import { stripVTControlCharacters } from 'node:util';
import type { Cell } from '../warehouse/warehouse.ts';
import type { Style } from './style.ts';
import { displayWidth, truncate } from './text.ts';

export interface TableColumn {
  readonly name: string;
  readonly align?: 'left' | 'right';
}

const GAP = '  ';
const WIDEST_CELL = 60;

/** A plain table: a header, a rule, rows; numbers right-aligned; no wider than the terminal if possible. */
export function renderTable(columns: readonly TableColumn[], rows: readonly (readonly Cell[])[], style: Style): string {
  const texts = rows.map((row) => row.map((cell) => truncate(cellText(cell), WIDEST_CELL)));
  const widths = fitWidths(
    columns.map((column, i) =>
      Math.max(displayWidth(column.name), ...texts.map((row) => displayWidth(row[i] ?? '')), 1),
    ),
    style.width,
  );
  const rightAligned = columns.map(
    (column, i) => (column.align ?? (rows.some((row) => typeof row[i] === 'number') ? 'right' : 'left')) === 'right',
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => pad(truncate(cell, widths[i] ?? 0), widths[i] ?? 0, rightAligned[i] ?? false))
      .join(GAP)
      .trimEnd();
  const header = line(columns.map((column) => column.name));
  const rule = widths.map((width) => '─'.repeat(width)).join(GAP);
  return [style.bold(header), style.dim(rule), ...texts.map(line)].join('\n');
}

/** One cell on one line. */
export function cellText(cell: Cell): string {
  if (cell === null) return 'NULL';
  const text = typeof cell === 'object' ? JSON.stringify(cell) : String(cell);
  // Control characters in data must not reach the terminal, where they could move the cursor or worse, nor must those that
  // change the text direction. Other invisible characters, such as joiners, are part of the text.
  return stripVTControlCharacters(text).replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu, ' ');
}

function pad(text: string, width: number, right: boolean): string {
  const filler = ' '.repeat(Math.max(0, width - displayWidth(text)));
  return right ? filler + text : text + filler;
}

/** Narrows the widest columns until the table fits, but keeps every column readable. */
function fitWidths(widths: readonly number[], available: number): number[] {
  const fitted = [...widths];
  const total = (): number => fitted.reduce((sum, width) => sum + width + GAP.length, -GAP.length);
  while (total() > available) {
    const widest = Math.max(...fitted);
    if (widest <= 8) break;
    fitted[fitted.indexOf(widest)] = widest - 1;
  }
  return fitted;
}
