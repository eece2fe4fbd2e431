/** A table. @param cell how the text of a cell is written. */
export function markdownTable(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  cell: (text: string) => string,
): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n');
}

export const code = (name: string): string => `\`${name.replaceAll('`', "'")}\``;

/** A pipe would end a cell. */
export const withoutPipes = (text: string): string => text.replaceAll('|', '\\|');

/** Texts may come from data, and must not become HTML or links to people. */
export const escaped = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('@', '&#64;')
    .replaceAll(/\s+/g, ' ');

/** The longest value that a cell shows. */
const WIDEST = 200;

/** A cell with a value from data. */
export const dataCell = (text: string): string =>
  withoutPipes(escaped(text.length > WIDEST ? `${text.slice(0, WIDEST)}…` : text).replaceAll('\\', '\\\\'));
