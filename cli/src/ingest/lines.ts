import { quoteLiteral } from '../warehouse/sql.ts';

/*
 * Nearly all files hold one record per line, so they are split at line ends: DuckDB's CSV reader does that on all cores, while
 * its JSON reader takes an array apart on one. That each line really is a record is verified here: every line that isn't
 * certainly `record,` is in doubt and passes through `record` below.
 */

/** One line or record of a file, by its position from 0. */
export interface RawRecord {
  readonly index: number;
  readonly text: string;
}

/**
 * How a file is split into records: at line ends, by DuckDB's JSON reader, or without DuckDB. Each is slower and more reliable
 * than the one before.
 */
export type Cut = 'by line' | 'by structure' | 'by hand';

/** The file can't be split this way; the batch has to start over with the next one. */
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

/** The lines don't hold one record each. */
export class NotByLineError extends Error {
  constructor() {
    super('The file does not hold one record per line.');
    this.name = 'NotByLineError';
  }
}

/** The longest line (bytes) in a file that is split at line ends; a file with a longer one is split by structure. */
export const LONGEST_LINE = 8_000_000;

/** Threads take turns at buffers, so with small ones all finish at about the same time (bytes). */
const SMALLEST_BUFFER = 4_000_000;
/** The longest line (bytes) that fits into the smallest buffers. */
export const USUAL_LONGEST = SMALLEST_BUFFER / 2 - 1;

/**
 * A FROM clause that yields each line as record_text and its JSON as json_text. The CSV reader silently drops a last line that
 * doesn't fit into its buffer, so the caller has to count the lines.
 * @param longest the file's longest line (bytes).
 */
export function lineSource(path: string, longest: number): string {
  // A line may end in a carriage return, which doesn't count.
  const buffer = Math.max(2 * (longest + 1), SMALLEST_BUFFER);
  const lines = `read_csv(${quoteLiteral(path)}, columns = {'line': 'VARCHAR'}, delim = '\\x01', quote = '', escape = '', header = false,
    auto_detect = false, strict_mode = false, new_line = '\\n', max_line_size = ${buffer / 2}, buffer_size = ${buffer})`;
  return `(select coalesce(line, '') as record_text, -1 as record_index, ${jsonOn('record_text')} as json_text
    from ${lines})`;
}

/** The JSON on a line, without the comma behind it. `rtrim` with characters walks through the whole text, and took as long as reading the JSON. */
export const jsonOn = (line: string): string => `regexp_replace(${line}, '[, \\t\\r]+$', '')`;

/** Whether {@link jsonOn} a line is exactly this text. */
export const isJsonOn = (line: string, text: string): boolean =>
  line.startsWith(text) && /^[, \t\r]*$/.test(line.slice(text.length));

/** How a file's lines map to records: which are brackets, and which records have a comma behind them. */
export interface RecordLines {
  /** The number of lines before the first record. */
  readonly skipped: number;
  /** The number of records. */
  readonly read: number;
  /** The line of the last record, which is in doubt because it has no comma; undefined if lines have no commas at all. */
  readonly last?: number;
  /**
   * The record on a line that is in doubt; undefined for a line with a bracket alone.
   * @throws NotByLineError if the line is not exactly one record, or its comma is missing or misplaced.
   */
  record(line: RawRecord): RawRecord | undefined;
}

/** Each line is a record. */
export function plainLines(lines: number): RecordLines {
  return { skipped: 0, read: lines, record: ({ index, text }) => ({ index, text: text.trim() }) };
}

/**
 * The lines of an array: `[` first, `record,` on each line, the last record without a comma, `]` last.
 * @param first the text of the first line.
 * @param closing the text of the last line.
 * @throws NotByLineError if these two are not the brackets.
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
    // All records but the last are followed by a comma.
    if ((index === last) === trimmed.endsWith(',')) throw new NotByLineError();
    return { index: index - skipped, text: index === last ? trimmed : trimmed.slice(0, -1) };
  };
  return { skipped, read: last - skipped + 1, last, record };
}
