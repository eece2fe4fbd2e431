import { stat } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { MeetupError } from '../config/errors.ts';
import { quoteIdentifier, quoteLiteral } from '../warehouse/sql.ts';
import { jsonStructure } from './contract/column-types.ts';
import type { ParsedRecord } from './cutter.ts';
import type { ListLayout } from './json-text.ts';
import {
  arrayLines,
  CutError,
  LONGEST_LINE,
  lineSource,
  NotByLineError,
  plainLines,
  type RecordLines,
} from './lines.ts';
import { LinesInDoubt, type TextAt } from './lines-in-doubt.ts';
import { countsOf, type FileCounts, parsed, patternFor, requireSize } from './load-steps.ts';
import { type Loading, tableOf } from './loading.ts';
import { insertSettled, RECORD_COLUMNS, settle, validated } from './settle.ts';

/**
 * Appends the records of a file with one record per line. DuckDB reads the file twice: first to find the lines in doubt, then
 * to insert all others. With one pass, the rows in doubt would have to be deleted again before the commit, and then DuckDB throws
 * away everything that it has compressed, and compresses it once more.
 * @throws CutError if the file has to be split another way, after a rollback.
 */
export async function loadLines(loading: Loading, layout: ListLayout): Promise<FileCounts> {
  const isArray = layout === 'array';
  const pattern = await patternFor(loading, true);
  const whole = pattern === undefined ? undefined : `${pattern}\\s*${isArray ? ',\\s*' : ''}`;
  const { path, lines: counted } = loading.file;
  try {
    if (counted.longest > LONGEST_LINE) throw new NotByLineError();
    const source = lineSource(path, counted.longest);
    await loading.warehouse.run(LinesInDoubt.statement(source, whole));
    const doubt = await LinesInDoubt.read(loading);
    requireSize(loading, (await stat(path)).size);
    if (doubt.lines !== counted.count) throw new NotByLineError();
    const lines = await recordLines(doubt, isArray);
    const counts = await insertAll(loading, doubt, lines, source);
    await doubt.drop();
    return counts;
  } catch (error) {
    throw error instanceof MeetupError ? error : new CutError(loading.file.sourceFile, 'by structure', error);
  }
}

async function recordLines(doubt: LinesInDoubt, isArray: boolean): Promise<RecordLines> {
  if (!isArray) return plainLines(doubt.lines);
  const lines = arrayLines(doubt.lines, await doubt.textAt(0), await doubt.textAt(doubt.lines - 1));
  if (lines.read > 0 && lines.last !== undefined && (await doubt.textAt(lines.last)) === '') throw new NotByLineError();
  return lines;
}

/** Inserts the certain records in DuckDB, and validates the first of those in doubt here meanwhile. */
async function insertAll(
  loading: Loading,
  doubt: LinesInDoubt,
  lines: RecordLines,
  source: string,
): Promise<FileCounts> {
  const recordsOn = (portion: readonly TextAt[]): ParsedRecord[] =>
    portion.flatMap(({ line, text }) => lines.record({ index: line, text }) ?? []).map(parsed);
  const first = await doubt.portion(-1);
  const isCertain = await doubt.isCertain('hashed');
  const [inserted, early] = await Promise.allSettled([
    doubt.certain === 0 ? undefined : loading.warehouse.run(insertCertain(loading, source, isCertain)),
    inTurns(first, (portion) => validated(loading, recordsOn(portion))),
  ]);
  if (inserted.status === 'rejected') throw inserted.reason;
  if (early.status === 'rejected') throw early.reason;
  await doubt.number(lines.skipped);
  let { rejected, example } = await insertSettled(loading, early.value);
  for (let last = first.at(-1); last !== undefined; ) {
    const portion = await doubt.portion(last.line);
    const settled = await settle(loading, recordsOn(portion));
    rejected += settled.rejected;
    example ??= settled.example;
    last = portion.at(-1);
  }
  return countsOf(lines.read, rejected, example);
}

/** Lines that are validated in one go while DuckDB's statement needs this thread now and then. */
const TURN = 200;

async function inTurns<T, R>(items: readonly T[], work: (some: readonly T[]) => readonly R[]): Promise<readonly R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += TURN) {
    await setImmediate();
    results.push(...work(items.slice(at, at + TURN)));
  }
  return results;
}

/**
 * The statement that inserts the records that are not in doubt, in order, with the line's hash instead of a position, which is not
 * known yet.
 */
function insertCertain(loading: Loading, source: string, isCertain: string): string {
  const { contract, batch, file } = loading;
  const names = contract.record.fields.map(([name]) => quoteIdentifier(name));
  const structure = quoteLiteral(JSON.stringify(jsonStructure(contract.record)));
  // A text that matches the pattern and still isn't JSON makes this fail: then the whole file isn't JSON.
  return `insert into ${tableOf(loading)} (${names.join(', ')}, ${RECORD_COLUMNS})
    select ${names.map((name) => `record.${name}`).join(', ')}, ${quoteLiteral(batch.id)}, ${batch.seq},
      date ${quoteLiteral(batch.droppedOn)}, ${quoteLiteral(file.sourceFile)}, hashed, timestamp ${quoteLiteral(batch.loadedAt)}
    from (
      select json_transform(json_text, ${structure}) as record, hashed
      from (select json_text, ${LinesInDoubt.hashOf('record_text')} as hashed from ${source})
      where ${isCertain}
    )`;
}
