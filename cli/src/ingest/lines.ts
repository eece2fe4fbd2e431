import { quoteLiteral } from '../warehouse/sql.ts';

/*
 * Files that hold one record per line, as nearly all do, are cut into records at their line ends: DuckDB's CSV reader
 * does that with all cores, where its JSON reader takes an array apart with one. Whether the lines really are records
 * shows in what is in doubt: every line that is not wholly `record,` is looked at here.
 */

/** One line or record of a file, by its position from 0. */
export interface RawRecord {
  readonly index: number;
  readonly text: string;
}

/** The file is not one record per line; it has to be read by its structure. */
export class NotByLineError extends Error {
  constructor(cause?: unknown) {
    super('The file does not hold one record per line.', cause === undefined ? undefined : { cause });
    this.name = 'NotByLineError';
  }
}

/** The longest line that is read this way (bytes); one that is longer sends the file the other way. */
const LONGEST_LINE = 8_000_000;

/** A FROM clause that gives each line as record_text, its JSON as json_text, and whether the line is anything but `record,`. */
export function lineSource(path: string, isArray: boolean): string {
  const lines = `read_csv(${quoteLiteral(path)}, columns = {'line': 'VARCHAR'}, delim = '\\x01', quote = '', escape = '', header = false,
    auto_detect = false, strict_mode = false, new_line = '\\n', max_line_size = ${LONGEST_LINE}, buffer_size = ${2 * LONGEST_LINE})`;
  const text = "rtrim(coalesce(line, ''), ' ' || chr(9) || chr(13))";
  const json = isArray ? "rtrim(record_text, ',')" : 'record_text';
  // What is no object is parsed as null, so that it ends up in doubt instead of ending the statement.
  return `(select record_text, -1 as record_index,
      ${isArray ? "not starts_with(record_text, '{') or not ends_with(record_text, '},')" : "not starts_with(record_text, '{')"} as is_loose,
      try(case when starts_with(record_text, '{') then ${json}::json end) as json_text
    from (select ${text} as record_text from ${lines}))`;
}

/** What the lines in doubt turned out to be: records still to be judged, and how many lines before them are none. */
export interface SettledLines {
  readonly doubtful: readonly RawRecord[];
  readonly skipped: number;
  readonly read: number;
}

/**
 * Settles the lines in doubt of a file with one record per line.
 * @throws NotByLineError for an empty line in the middle, or one that is no JSON.
 */
export function settlePlainLines(doubtful: readonly RawRecord[], lines: number): SettledLines {
  for (const { text } of doubtful) requireJson(text);
  return { doubtful, skipped: 0, read: lines };
}

/**
 * Settles the lines in doubt of an array: `[` first, `record,` on each line, the last record without a comma, `]` last.
 * @throws NotByLineError where the lines are anything else.
 */
export function settleArrayLines(doubtful: readonly RawRecord[], lines: number): SettledLines {
  const texts = new Map(doubtful.map(({ index, text }) => [index, text]));
  const first = texts.get(0);
  if (first === undefined || !first.startsWith('[')) throw new NotByLineError();
  const skipped = first === '[' ? 1 : 0;
  if (skipped === 0) texts.set(0, first.slice(1).trimStart());
  else texts.delete(0);
  const closing = texts.get(lines - 1);
  if (closing === undefined || !closing.endsWith(']')) throw new NotByLineError();
  const rest = closing.slice(0, -1).trimEnd();
  const last = rest === '' ? lines - 2 : lines - 1;
  if (rest === '') texts.delete(lines - 1);
  else texts.set(lines - 1, rest);
  // The last record has no comma behind it, and all others have one.
  const records = [...texts].map(([index, text]) => {
    if (index === last ? text.endsWith(',') : !text.endsWith(',')) throw new NotByLineError();
    const record = index === last ? text : text.slice(0, -1);
    requireJson(record);
    return { index: index - skipped, text: record };
  });
  if (last >= skipped && !texts.has(last)) throw new NotByLineError();
  return { doubtful: records, skipped, read: last - skipped + 1 };
}

function requireJson(text: string): void {
  try {
    JSON.parse(text);
  } catch (error) {
    throw new NotByLineError(error);
  }
}
