import { MeetupError } from '../config/errors.ts';
import { quoteIdentifier, quoteLiteral } from '../warehouse/sql.ts';
import { jsonStructure, sqlType } from './contract/column-types.ts';
import { learnKeyOrders } from './contract/key-order.ts';
import { textPattern } from './contract/text-pattern.ts';
import { cutByHand, JsonFaultError, type ParsedRecord } from './cutter.ts';
import { Doubt, IN_DOUBT } from './doubt.ts';
import type { DropFile } from './drops.ts';
import { type JsonLayout, type ListLayout, sniffLayout } from './json-text.ts';
import {
  arrayLines,
  type Cut,
  CutError,
  LONGEST_LINE,
  lineSource,
  NotByLineError,
  plainLines,
  type RawRecord,
  type RecordLines,
} from './lines.ts';
import { LARGEST_RECORD, type Loading, tableOf } from './loading.ts';
import { sampleRecords } from './record-sample.ts';
import { cannotRead, notJson, notWhole, tooLarge } from './refusals.ts';
import { type Scan, type ScanKind, scanFile } from './scan.ts';
import { RECORD_COLUMNS, settle } from './settle.ts';

export interface FileCounts {
  readonly read: number;
  readonly loaded: number;
  readonly rejected: number;
  /** The first rejected record's position and reasons, for messages. */
  readonly example?: string;
}

/**
 * Appends one file's records to its raw table, inside the caller's transaction.
 *
 * DuckDB reads the file in one pass and matches each record's text against a pattern that only valid records match. All others
 * are in doubt and go to ajv one by one: valid ones are inserted with the values from JSON.parse, invalid ones go to
 * raw.rejected_records. The records are counted a second time without DuckDB. docs/decisions/load.md explains why and what it
 * costs.
 * @throws MeetupError with file, line and reason if the file is not JSON or not a list of records.
 * @throws CutError if the file has to be split another way, after a rollback.
 */
export async function loadFile(loading: Loading, cut: Cut): Promise<FileCounts> {
  const { path } = loading.file;
  const layout = await layoutOf(path);
  if (layout === 'nothing') return { read: 0, loaded: 0, rejected: 0 };
  const load = { 'by line': loadLines, 'by structure': loadStructure, 'by hand': loadByHand }[cut];
  const counts = await load(loading, layout);
  await requireWhole(loading, counts);
  return counts;
}

/** Below this size (bytes), one core is fast enough. */
export const LARGE = 4_000_000;

/** The fastest way to split a file that may work. */
export const firstCut = ({ path, bytes = 0 }: DropFile): Cut =>
  bytes >= LARGE && !path.endsWith('.gz') ? 'by line' : 'by structure';

async function loadLines(loading: Loading, layout: ListLayout): Promise<FileCounts> {
  const { warehouse, file, batch } = loading;
  const isArray = layout === 'array';
  const pattern = await patternFor(loading, true);
  const whole = pattern === undefined ? undefined : `${pattern}\\s*${isArray ? ',\\s*' : ''}`;
  try {
    const scan = await insertAndScan(loading, insertStatement(loading, lineSource(file.path), whole), 'lines');
    const unnumbered = `_batch_seq = ${batch.seq} and _record_index = ${UNNUMBERED}`;
    const doubt = new Doubt(loading, unnumbered);
    const { rows, first } = await doubt.count();
    if (rows !== scan.lines || scan.longest > LONGEST_LINE) throw new NotByLineError();
    const at = (line: number): Promise<string> => doubt.textAt(first + BigInt(line));
    const lines = isArray ? arrayLines(rows, await at(0), await at(rows - 1)) : plainLines(rows);
    if (lines.read > 0 && lines.last !== undefined && (await at(lines.last)) === '') throw new NotByLineError();
    await warehouse.run(
      `update ${tableOf(loading)} set _record_index = rowid - ${first + BigInt(lines.skipped)} where ${unnumbered}`,
    );
    return await settleAll(loading, doubt, lines);
  } catch (error) {
    throw error instanceof MeetupError ? error : new CutError(file.sourceFile, 'by structure', error);
  }
}

async function loadStructure(loading: Loading, layout: ListLayout): Promise<FileCounts> {
  const { file, batch } = loading;
  const pattern = await patternFor(loading, layout === 'newline_delimited');
  try {
    const scan = await insertAndScan(
      loading,
      insertStatement(loading, objectSource(file.path, layout), pattern),
      layout,
    );
    const doubt = new Doubt(
      loading,
      `_batch_seq = ${batch.seq} and (_source_file = ${quoteLiteral(file.sourceFile)} or _batch_id = ${quoteLiteral(IN_DOUBT)})`,
    );
    const { rows } = await doubt.count();
    if (!scan.isWellFormed || rows !== scan.records) throw new CutError(file.sourceFile, 'by hand');
    return await settleAll(loading, doubt, plainLines(rows));
  } catch (error) {
    throw error instanceof MeetupError ? error : new CutError(file.sourceFile, 'by hand', error);
  }
}

/** Loads files that DuckDB fails to read; most of them aren't JSON, and this finds the position of the fault. */
async function loadByHand(loading: Loading, layout: ListLayout): Promise<FileCounts> {
  const { path } = loading.file;
  const scan = await scanFile(path, layout);
  if (scan.longest > LARGEST_RECORD) throw tooLarge(path);
  const total = { read: 0, rejected: 0 };
  let example: string | undefined;
  try {
    for await (const portion of cutByHand(path, layout)) {
      const settled = await settle(loading, portion);
      total.read += portion.length;
      total.rejected += settled.rejected;
      example ??= settled.example;
    }
  } catch (error) {
    throw error instanceof JsonFaultError ? notJson(path, layout, error) : error;
  }
  if (!scan.isWellFormed || scan.records !== total.read) throw notWhole(path, total.read, scan.records);
  return countsOf(total.read, total.rejected, example);
}

const countsOf = (read: number, rejected: number, example: string | undefined): FileCounts => ({
  read,
  loaded: read - rejected,
  rejected,
  ...(example === undefined ? {} : { example }),
});

/** The pattern of certainly valid records, for the order in which the file's first records have their keys. */
async function patternFor({ file, contract }: Loading, isByLine: boolean): Promise<string | undefined> {
  const sample = await sampleRecords(file.path, isByLine);
  return textPattern(contract.schema, contract.record, learnKeyOrders(contract.schema, sample));
}

/** Counts the records here while DuckDB reads the file. */
async function insertAndScan(loading: Loading, sql: string, kind: ScanKind): Promise<Scan> {
  const { path, bytes } = loading.file;
  const [inserted, scanned] = await Promise.allSettled([loading.warehouse.run(sql), scanFile(path, kind)]);
  if (scanned.status === 'rejected') throw cannotRead(path, scanned.reason);
  const scan = scanned.value;
  if (kind !== 'lines' && scan.longest > LARGEST_RECORD) throw tooLarge(path);
  if (inserted.status === 'rejected') throw inserted.reason;
  if (bytes !== undefined && bytes !== scan.bytes) {
    throw new MeetupError(`${path} changed while it was being loaded: load again once it is complete.`);
  }
  return scan;
}

/** A record's position until all of the file's records are in the table. */
const UNNUMBERED = -1;

/** Yields the same columns as {@link lineSource}, for a file that is split by structure. */
function objectSource(path: string, layout: ListLayout): string {
  const compression = path.endsWith('.gz') ? ", compression = 'gzip'" : '';
  // A record at the limit still fits; one above it is reported by the scan.
  const most = LARGEST_RECORD + 1024 * 1024;
  return `(select json::varchar as record_text, row_number() over () - 1 as record_index, json as json_text
    from read_json_objects(${quoteLiteral(path)}, format = ${quoteLiteral(layout)}, maximum_object_size = ${most}${compression}))`;
}

function insertStatement(loading: Loading, source: string, pattern: string | undefined): string {
  const { contract, batch, file } = loading;
  const names = contract.record.fields.map(([name]) => quoteIdentifier(name));
  const structure = quoteLiteral(JSON.stringify(jsonStructure(contract.record)));
  const record =
    pattern === undefined
      ? `cast(null as ${sqlType(contract.record)})`
      : // A text that matches the pattern may still not be JSON, for example without its commas.
        `try(case when regexp_full_match(record_text, ${quoteLiteral(pattern)}) then json_transform(json_text, ${structure}) end)`;
  return `insert into ${tableOf(loading)} (${names.join(', ')}, ${RECORD_COLUMNS})
    select ${names.map((name) => `record.${name}`).join(', ')},
      case when record is null then ${quoteLiteral(IN_DOUBT)} else ${quoteLiteral(batch.id)} end,
      ${batch.seq}, date ${quoteLiteral(batch.droppedOn)},
      case when record is null then record_text else ${quoteLiteral(file.sourceFile)} end,
      record_index, timestamp ${quoteLiteral(batch.loadedAt)}
    from (select record_text, record_index, ${record} as record from ${source})`;
}

async function settleAll(loading: Loading, doubt: Doubt, lines: RecordLines): Promise<FileCounts> {
  let rejected = 0;
  let example: string | undefined;
  for await (const portion of doubt.portions()) {
    const records = portion.flatMap(({ index, text }) => lines.record({ index: index + lines.skipped, text }) ?? []);
    const settled = await settle(loading, records.map(parsed));
    rejected += settled.rejected;
    example ??= settled.example;
  }
  await doubt.remove();
  return countsOf(lines.read, rejected, example);
}

const parsed = (record: RawRecord): ParsedRecord => ({ ...record, value: JSON.parse(record.text) });

/** Checks that the tables hold as many of the file's records as were counted in it. */
async function requireWhole(loading: Loading, counts: FileCounts): Promise<void> {
  const { warehouse, file, batch } = loading;
  const mine = `_batch_seq = ${batch.seq} and _source_file = $file`;
  const { rows } = await warehouse.query(
    `select (select count(*) from ${tableOf(loading)} where ${mine}), (select count(*) from raw.rejected_records where ${mine})`,
    { file: file.sourceFile },
  );
  const [loaded, rejected] = (rows[0] ?? []).map(Number);
  if (loaded === counts.loaded && rejected === counts.rejected) return;
  throw notWhole(file.path, Number(loaded) + Number(rejected), counts.read);
}

async function layoutOf(path: string): Promise<JsonLayout> {
  try {
    const { layout, hasByteOrderMark } = await sniffLayout(path);
    if (hasByteOrderMark && layout === 'newline_delimited') {
      throw new MeetupError(`${path} starts with a byte order mark: save it as UTF-8 without one and load again.`);
    }
    return layout;
  } catch (error) {
    throw error instanceof MeetupError ? error : cannotRead(path, error);
  }
}
