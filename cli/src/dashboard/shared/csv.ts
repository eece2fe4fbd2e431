import type { Rows, Value } from './types.ts';

/** All rows as CSV (RFC 4180), with the column names in the first line. */
export function toCsv({ columns, rows }: Rows): string {
  const lines = [columns.map(({ name }) => field(name)), ...rows.map((row) => row.map(cell))];
  return lines.map((line) => `${line.join(',')}\r\n`).join('');
}

function cell(value: Value): string {
  if (value === null) return '';
  if (typeof value !== 'string') return field(typeof value === 'object' ? JSON.stringify(value) : String(value));
  // Spreadsheets would run text that begins like a formula, and names come from other people.
  return field(/^[=+\-@\t\r]/.test(value) ? `'${value}` : value);
}

const field = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
