import { quoteLiteral } from '../warehouse/sql.ts';

/*
 * Files that hold one record per line, as nearly all do, are cut into records at their line ends: DuckDB's CSV reader does that
 * with all cores, where its JSON reader takes an array apart with one. Whether the lines really are records shows in what is in
 * doubt: every line that is not wholly `record,` is looked at here.
 */

/** One line or record of a file, by its position from 0. */
export interface RawRecord {
  readonly index: number;
  readonly text: string;
}

/** How a file is cut into records: by its line ends with all cores, by DuckDB's JSON reader, or without DuckDB. Each is surer and slower. */
export type Cut = 'by line' | 'by structure' | 'by hand';

/** The file can't be cut the way that was tried; the batch has to begin again with the next way. */
export class CutError extends Error {
  readonly sourceFile: string;
  readonly next: Cut;

  constructor(sourceFile: string, next: Cut, cause?: unknown) {
    super(`${sourceFile} has to be read ${next}.`, cause === undefined ? undefined : { cause });
    this.name = 'CutError';
    this.sourceFile = sourceFile;
    this.next = next;
  }
}

/** The lines are not one record each. */
export class NotByLineError extends Error {
  constructor() {
    super('The file does not hold one record per line.');
    this.name = 'NotByLineError';
  }
}

/** The longest line that is read this way (bytes); one that is longer sends the file the other way. */
export const LONGEST_LINE = 8_000_000;

/**
 * A FROM clause that gives each line as record_text and its JSON as json_text. The CSV reader silently drops a last line that
 * doesn't fit into its buffer, so the caller counts the lines, too.
 */
export function lineSource(path: string): string {
  const lines = `read_csv(${quoteLiteral(path)}, columns = {'line': 'VARCHAR'}, delim = '\\x01', quote = '', escape = '', header = false,
    auto_detect = false, strict_mode = false, new_line = '\\n', max_line_size = ${LONGEST_LINE}, buffer_size = ${2 * LONGEST_LINE})`;
  return `(select coalesce(line, '') as record_text, -1 as record_index, rtrim(record_text, ', ' || chr(9) || chr(13)) as json_text
    from ${lines})`;
}

/** What the lines of a file are: brackets, and records with or without a comma behind them. */
export interface RecordLines {
  /** Lines before the first record. */
  readonly skipped: number;
  /** Records. */
  readonly read: number;
  /** The line whose record has no comma behind it, so that it is in doubt; undefined if no line is special. */
  readonly last?: number;
  /**
   * The record on a line that is in doubt; undefined for a line with a bracket alone.
   * @throws NotByLineError if the line is not one record, with a comma behind it wherever one belongs.
   */
  record(line: RawRecord): RawRecord | undefined;
}

/** Each line is a record. */
export function plainLines(lines: number): RecordLines {
  return { skipped: 0, read: lines, record: ({ index, text }) => ({ index, text: text.trim() }) };
}

/**
 * The lines of an array: `[` first, `record,` on each line, the last record without a comma, `]` last.
 * @param first the first line, and `closing` the last.
 * @throws NotByLineError if these two are anything else.
 */
export function arrayLines(lines: number, first: string, closing: string): RecordLines {
  const opening = first.replace('\ufeff', '').trim();
  const end = closing.trim();
  if (!opening.startsWith('[') || !end.endsWith(']')) throw new NotByLineError();
  const skipped = opening === '[' ? 1 : 0;
  const last = end === ']' ? lines - 2 : lines - 1;
  const record = ({ index, text }: RawRecord): RawRecord | undefined => {
    if (index < skipped || index > last) return undefined;
    const opened = index === 0 ? opening.slice(1) : text.trim();
    const trimmed = (index === lines - 1 ? opened.slice(0, -1) : opened).trim();
    // The last record has no comma behind it, and all others have one.
    if ((index === last) === trimmed.endsWith(',')) throw new NotByLineError();
    return { index: index - skipped, text: index === last ? trimmed : trimmed.slice(0, -1) };
  };
  return { skipped, read: last - skipped + 1, last, record };
}
