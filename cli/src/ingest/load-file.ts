import { MeetupError } from '../config/errors.ts';
import { quoteIdentifier, quoteLiteral } from '../warehouse/sql.ts';
import { jsonStructure, sqlType } from './contract/column-types.ts';
import { cutByHand, JsonFaultError } from './cutter.ts';
import { Doubt, IN_DOUBT } from './doubt.ts';
import type { MeasuredFile } from './drops.ts';
import { type JsonLayout, type ListLayout, sniffLayout } from './json-text.ts';
import { type Cut, CutError } from './lines.ts';
import { loadLines } from './load-lines.ts';
import { countsOf, type FileCounts, parsed, patternFor, runAndScan } from './load-steps.ts';
import { LARGEST_RECORD, type Loading, tableOf } from './loading.ts';
import { cannotRead, notJson, notWhole, tooLarge } from './refusals.ts';
import { scanFile } from './scan.ts';
import { RECORD_COLUMNS, settle } from './settle.ts';

/**
 * Appends one file's records to its raw table, inside the caller's transaction.
 *
 * DuckDB reads the file and matches each record's text against a pattern that only valid records match. All others are in doubt
 * and go to ajv one by one: valid ones are inserted with the values from JSON.parse, invalid ones go to
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
export const firstCut = ({ path, bytes }: Pick<MeasuredFile, 'path' | 'bytes'>): Cut =>
  bytes >= LARGE && !path.endsWith('.gz') ? 'by line' : 'by structure';

async function loadStructure(loading: Loading, layout: ListLayout): Promise<FileCounts> {
  const { file, batch } = loading;
  const pattern = await patternFor(file.path, loading.contract, layout === 'newline_delimited');
  try {
    const scan = await runAndScan(loading, insertStatement(loading, objectSource(file.path, layout), pattern), layout);
    const doubt = new Doubt(
      loading,
      `_batch_seq = ${batch.seq} and (_source_file = ${quoteLiteral(file.sourceFile)} or _batch_id = ${quoteLiteral(IN_DOUBT)})`,
    );
    const rows = await doubt.count();
    if (!scan.isWellFormed || rows !== scan.records) throw new CutError(file.sourceFile, 'by hand');
    return await settleAll(loading, doubt, rows);
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

async function settleAll(loading: Loading, doubt: Doubt, read: number): Promise<FileCounts> {
  let rejected = 0;
  let example: string | undefined;
  for await (const portion of doubt.portions()) {
    const settled = await settle(loading, portion.map(parsed));
    rejected += settled.rejected;
    example ??= settled.example;
  }
  await doubt.remove();
  return countsOf(read, rejected, example);
}

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
