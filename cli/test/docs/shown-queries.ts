import type { Cell, QueryResult } from '../../src/warehouse/warehouse.ts';

/** A block of SQL in a Markdown file, and the table below it that shows its result. */
export interface ShownQuery {
  /** The number of the line on which the SQL begins, from 1. */
  readonly line: number;
  readonly sql: string;
  /** The lines of the table; empty if no result is shown. */
  readonly shown: readonly string[];
  /** The index of the table's first line in the file's lines. */
  readonly shownAt: number;
}

/**
 * Finds the blocks of a Markdown file that are marked as `sql`. Those marked as `sql databricks` need a workspace, so they are
 * not among them.
 */
export function shownQueries(markdown: string): ShownQuery[] {
  const lines = markdown.split('\n');
  const found: ShownQuery[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    if (lines[at] !== '```sql') continue;
    const end = lines.indexOf('```', at + 1);
    if (end === -1) throw new Error(`The block in line ${at + 1} has no end.`);
    // A result is the next thing after the block, below one empty line.
    const shownAt = end + 2;
    let after = shownAt;
    while (lines[after]?.startsWith('|')) after += 1;
    found.push({ line: at + 2, sql: lines.slice(at + 1, end).join('\n'), shown: lines.slice(shownAt, after), shownAt });
    at = Math.max(end, after - 1);
  }
  return found;
}

/** A result as the lines of a Markdown table. */
export function markdownTable({ columns, rows }: QueryResult): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(columns.map(({ name }) => name)),
    `|${'---|'.repeat(columns.length)}`,
    ...rows.map((row) => line(row.map(cellText))),
  ];
}

function cellText(cell: Cell): string {
  if (cell === null) return '';
  return (typeof cell === 'object' ? JSON.stringify(cell) : String(cell)).replaceAll('|', '\\|');
}

/** Replaces the shown tables with others, in the order of the queries. Where none was shown, none is added. */
export function withResults(markdown: string, queries: readonly ShownQuery[], tables: readonly string[][]): string {
  const lines = markdown.split('\n');
  for (const [index, { shown, shownAt }] of [...queries.entries()].reverse()) {
    if (shown.length > 0) lines.splice(shownAt, shown.length, ...(tables[index] ?? []));
  }
  return lines.join('\n');
}
