import { MeetupError } from '../config/errors.ts';

/** A cell of a CSV file; null if there is nothing between the commas (`""` is an empty text). */
export type CsvCell = string | null;

export interface CsvRow {
  /** Counted from 1. */
  readonly line: number;
  readonly cells: readonly CsvCell[];
}

/**
 * Reads RFC 4180, with quotes around values that contain commas, quotes or line breaks. Empty lines and lines that start
 * with `#` are skipped.
 * @throws MeetupError for a quote that is not closed.
 */
export function parseCsv(text: string, file: string): CsvRow[] {
  const rows: CsvRow[] = [];
  let line = 1;
  let rest = text.replace(/^\uFEFF/, '');
  while (rest !== '') {
    const blank = /^(?:[ \t]*|#.*)(?:\r?\n|$)/.exec(rest);
    if (blank !== null && blank[0] !== '') {
      rest = rest.slice(blank[0].length);
      line += 1;
      continue;
    }
    const { cells, length } = record(rest, `${file}:${line}`);
    rows.push({ line, cells });
    line += rest.slice(0, length).split('\n').length - 1;
    rest = rest.slice(length);
  }
  return rows;
}

function record(text: string, where: string): { cells: CsvCell[]; length: number } {
  const cells: CsvCell[] = [];
  let at = 0;
  for (;;) {
    const found = /^(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/.exec(text.slice(at));
    if (found === null) throw new MeetupError(`${where}: a quote is misplaced or not closed.`);
    const [all, quoted, plain, end] = found;
    cells.push(quoted === undefined ? (plain === '' ? null : (plain ?? null)) : quoted.replaceAll('""', '"'));
    at += all.length;
    if (end !== ',') return { cells, length: at };
  }
}
