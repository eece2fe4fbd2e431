import { dataCell, markdownTable } from '../text/markdown.ts';
import type { RowDifference } from './cells.ts';
import type { ColumnDifference, MartComparison } from './compare.ts';
import { absence, summaryOf } from './words.ts';

interface Compared {
  readonly status: 'equal' | 'different';
  readonly from: string;
  readonly to: string;
  readonly marts: readonly MartComparison[];
}

/** A comparison as a Markdown document: a table of the marts, then the differences in each. */
export function renderDiffMarkdown({ from, to, marts }: Compared): string {
  const different = marts.filter((mart) => mart.status === 'different');
  const head = headline(marts.length, different.length);
  const overview = table(
    ['mart', `rows in ${from}`, `rows in ${to}`, 'verdict'],
    marts.map((mart) => [mart.name, String(mart.rows.from), String(mart.rows.to), verdict(mart)]),
  );
  return `${[`# ${from} and ${to}`, head, overview, ...different.map((mart) => section(mart, from, to))].join('\n\n')}\n`;
}

function headline(all: number, different: number): string {
  if (different === 0) return all === 1 ? 'The mart is equal.' : `All ${all} marts are equal.`;
  return `${different} of ${all} marts ${different === 1 ? 'differs' : 'differ'}.`;
}

const verdict = ({ status, missingIn }: MartComparison): string =>
  missingIn === undefined ? status : absence(missingIn);

function section(mart: MartComparison, from: string, to: string): string {
  const { name, missingIn, columns, differences } = mart;
  if (missingIn !== undefined) return `## ${name}\n\nIt is ${absence(missingIn)}.`;
  const parts = [`## ${name}`];
  if (columns.length > 0) parts.push(columnTable(columns, from, to));
  const summary = summaryOf(mart);
  if (summary !== '') parts.push(`${capitalized(summary)}.`);
  if (differences.length > 0) parts.push(rowTable(differences, from, to));
  return parts.join('\n\n');
}

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const columnTable = (columns: readonly ColumnDifference[], from: string, to: string): string =>
  table(
    ['column', from, to],
    columns.map(({ column, from: mine, to: other }) => [column, mine ?? 'missing', other ?? 'missing']),
  );

function rowTable(differences: readonly RowDifference[], from: string, to: string): string {
  const rows = differences.flatMap(({ kind, key, cells }) => {
    const named = Object.entries(key)
      .map(([column, value]) => `${column} = ${value ?? 'null'}`)
      .join(', ');
    if (kind === 'missing') return [[named, '', 'there', 'missing']];
    if (kind === 'extra') return [[named, '', 'missing', 'there']];
    return cells.map((cell) => [named, cell.column, cell.from ?? 'null', cell.to ?? 'null']);
  });
  return table(['row', 'column', from, to], rows);
}

const table = (heads: readonly string[], rows: readonly (readonly string[])[]): string =>
  markdownTable(heads, rows, dataCell);
