import { stat } from 'node:fs/promises';
import { MeetupError } from '../config/errors.ts';
import type { DuckDbWarehouse } from '../warehouse/duckdb.ts';
import type { ParsedRecord } from './cutter.ts';
import type { DropFile, Marks } from './drops.ts';
import type { ListLayout } from './json-text.ts';
import {
  arrayLines,
  CutError,
  isJsonOn,
  LONGEST_LINE,
  lineSource,
  NotByLineError,
  plainLines,
  type RecordLines,
} from './lines.ts';
import { LinesInDoubt, type TextAt } from './lines-in-doubt.ts';
import { countsOf, type FileCounts, parsed, patternFor, requireSize } from './load-steps.ts';
import type { Loading } from './loading.ts';
import type { Contract } from './schemas.ts';
import { appendStatement, insertRejected, isValid, settle, TEXTS, textParameters, validated } from './settle.ts';

/**
 * Appends the records of a file with one record per line. DuckDB reads the file twice: first to find the lines in doubt, then
 * to insert all others. With one pass, the rows in doubt would have to be deleted again before the commit, and then DuckDB throws
 * away everything that it has compressed, and compresses it once more.
 * @throws CutError if the file has to be split another way, after a rollback.
 */
export async function loadLines(loading: Loading, layout: ListLayout): Promise<FileCounts> {
  const { warehouse, contract, file } = loading;
  const { path, lines: counted, marks } = file;
  try {
    if (counted.longest > LONGEST_LINE) throw new NotByLineError();
    const fits = marks !== undefined && counted.longest <= marks.longest;
    const { table } = fits ? marks : await markLines(warehouse, file, contract, layout, counted.longest);
    const doubt = await LinesInDoubt.read(loading, table);
    requireSize(loading, (await stat(path)).size);
    if (doubt.lines !== counted.count) throw new NotByLineError();
    const lines = await recordLines(doubt, layout === 'array');
    const counts = await insertAll(loading, doubt, lines, lineSource(path, counted.longest));
    await doubt.drop();
    return counts;
  } catch (error) {
    throw error instanceof MeetupError ? error : new CutError(file.sourceFile, 'by structure', error);
  }
}

/**
 * Finds the lines in doubt.
 * @param longest the longest line that the file may have (bytes).
 */
export async function markLines(
  warehouse: DuckDbWarehouse,
  { entity, path }: DropFile,
  contract: Contract,
  layout: ListLayout,
  longest: number,
): Promise<Marks> {
  const pattern = await patternFor(path, contract, true);
  const whole = pattern === undefined ? undefined : `${pattern}\\s*${layout === 'array' ? ',\\s*' : ''}`;
  return { table: await LinesInDoubt.mark(warehouse, entity, lineSource(path, longest), whole), longest };
}

async function recordLines(doubt: LinesInDoubt, isArray: boolean): Promise<RecordLines> {
  if (!isArray) return plainLines(doubt.lines);
  const lines = arrayLines(doubt.lines, await doubt.textAt(0), await doubt.textAt(doubt.lines - 1));
  if (lines.read > 0 && lines.last !== undefined && (await doubt.textAt(lines.last)) === '') throw new NotByLineError();
  return lines;
}

/**
 * Inserts the certain records, and with them those of the first lines in doubt that are valid. A second statement would add rows to
 * a row group that DuckDB has compressed already, and it compresses all of it once more.
 */
async function insertAll(
  loading: Loading,
  doubt: LinesInDoubt,
  lines: RecordLines,
  source: string,
): Promise<FileCounts> {
  const recordOn = ({ line, text }: TextAt): ParsedRecord[] =>
    [lines.record({ index: line, text })].flatMap((record) => (record === undefined ? [] : parsed(record)));
  const first = await doubt.portion(-1);
  const early = validated(loading, first.flatMap(recordOn));
  const valid = early.filter(isValid);
  const sources = [
    ...(doubt.certain > 0 ? [await certainLines(doubt, source, lines.skipped)] : []),
    ...(valid.length > 0 ? [await keepValid(loading, doubt, lines.skipped, valid, first)] : []),
  ];
  if (sources.length > 0) await loading.warehouse.run(appendStatement(loading, sources));
  await doubt.number(lines.skipped, valid.length);
  let { rejected, example } = await insertRejected(loading, early);
  for (let last = first.at(-1); last !== undefined; ) {
    const portion = await doubt.portion(last.line);
    const settled = await settle(loading, portion.flatMap(recordOn));
    rejected += settled.rejected;
    example ??= settled.example;
    last = portion.at(-1);
  }
  return countsOf(lines.read, rejected, example);
}

/**
 * Keeps valid records in a temporary table, because DuckDB compresses rows while it inserts them only if they come from tables or files.
 * The text of a record that is written as JSON.stringify writes it is already in DuckDB; others are passed to it.
 * @param skipped the number of lines before the first record.
 */
async function keepValid(
  loading: Loading,
  doubt: LinesInDoubt,
  skipped: number,
  valid: readonly ParsedRecord[],
  lines: readonly TextAt[],
): Promise<string> {
  const table = 'valid_in_doubt';
  const written = new Map(lines.map(({ line, text }) => [line - skipped, text]));
  const isAsWritten = ({ index, text, value }: ParsedRecord): boolean =>
    isJsonOn(written.get(index) ?? '', text) && JSON.stringify(value) === text;
  const asWritten = new Set(valid.filter(isAsWritten));
  const others = valid.filter((record) => !asWritten.has(record));
  const known = doubt.jsonOf('$lines', skipped);
  await loading.warehouse.run(
    `create or replace temporary table ${table} as select * from (
       ${others.length > 0 ? `${known} union all select * from ${TEXTS}` : known}) order by record_index`,
    {
      lines: JSON.stringify(Array.from(asWritten, ({ index }) => index + skipped)),
      ...(others.length > 0 ? textParameters(others) : {}),
    },
  );
  return `temp.${table}`;
}

/** The lines that are not in doubt, in order, with their position or, if it is not known yet, their hash as record_index. */
async function certainLines(doubt: LinesInDoubt, source: string, skipped: number): Promise<string> {
  const isCertain = await doubt.isCertain('hashed');
  const hashed = `(select json_text, ${LinesInDoubt.hashOf('record_text')} as hashed from ${source})`;
  return `(select json_text, ${await doubt.positionOf('hashed', skipped)} as record_index from ${hashed} where ${isCertain})`;
}
