import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { listValue } from '@duckdb/node-api';
import { MeetupError, messageOf } from '../config/errors.ts';
import type { DuckDbWarehouse } from '../warehouse/duckdb.ts';
import { quoteIdentifier, quoteLiteral } from '../warehouse/sql.ts';
import type { DropFile } from './drops.ts';
import { doubtPattern, type Entity, entities } from './entities.ts';
import { endsLikeArray, type JsonLayout, locateFault, sniffLayout } from './json-text.ts';
import { lineSource, NotByLineError, type RawRecord, settleArrayLines, settlePlainLines } from './lines.ts';
import type { Judge } from './schemas.ts';

/** The greatest record that is read (bytes). */
const LARGEST_RECORD = 32 * 1024 * 1024;
/** Records that go through JavaScript at once. */
const PORTION = 2000;

/** The batch that a file is loaded in. */
export interface BatchStamp {
  readonly id: string;
  readonly seq: number;
  /** `YYYY-MM-DD` */
  readonly droppedOn: string;
  /** `YYYY-MM-DD HH:MM:SS.mmm`, UTC. */
  readonly loadedAt: string;
}

export interface FileCounts {
  readonly read: number;
  readonly loaded: number;
  readonly rejected: number;
  /** The first rejected record's position and reasons, for people. */
  readonly example?: string;
}

/**
 * Appends one file's records to its raw table, inside the caller's transaction.
 *
 * DuckDB reads the file in one pass, and decides for itself where a record is beyond doubt (plain values of the right
 * kinds within the schema's ranges). All others go to ajv one by one: what passes is inserted with the values that
 * JSON.parse gives, what fails goes to raw.rejected_records. docs/decisions/load.md tells why and what it costs.
 * @throws MeetupError with file, line and reason where the file is not JSON or not a list of records.
 */
export async function loadFile(
  warehouse: DuckDbWarehouse,
  file: DropFile,
  batch: BatchStamp,
  judge: Judge,
  cut: Cut = 'by line if large',
): Promise<FileCounts> {
  const layout = await layoutOf(file);
  if (layout === 'nothing') return { read: 0, loaded: 0, rejected: 0 };
  const entity = entities[file.entity];
  const isByLine = await isCutByLine(file, entity, cut);
  const source = isByLine ? lineSource(file.path, layout === 'array') : objectSource(file.path, layout);
  try {
    await warehouse.run(insertStatement(entity, file, batch, source));
  } catch (error) {
    throw isByLine ? new NotByLineError(error) : await unreadable(file, layout, error);
  }
  const taken = await takeDoubtful(warehouse, entity, file, batch, isByLine);
  if (!isByLine) return settle(warehouse, entity, file, batch, judge, taken);
  const lines = (layout === 'array' ? settleArrayLines : settlePlainLines)(taken.doubtful, taken.read);
  await numberRecords(warehouse, entity, batch, taken.base + BigInt(lines.skipped));
  return settle(warehouse, entity, file, batch, judge, lines);
}

/** How a file is cut into records: by its line ends, which uses all cores, or by its structure, which is always right. */
export type Cut = 'by line' | 'by line if large' | 'by structure';

/** Below this, one core is quick enough (bytes). */
const LARGE = 4_000_000;

async function isCutByLine(file: DropFile, entity: Entity, cut: Cut): Promise<boolean> {
  if (cut === 'by structure' || entity.inRange === undefined || file.path.endsWith('.gz')) return false;
  return cut === 'by line' || (await stat(file.path)).size >= LARGE;
}

async function layoutOf(file: DropFile): Promise<JsonLayout> {
  try {
    const { layout, hasByteOrderMark } = await sniffLayout(file.path);
    if (hasByteOrderMark && layout === 'newline_delimited') {
      throw new MeetupError(`${file.path} begins with a byte order mark: save it as UTF-8 without one and load again.`);
    }
    if (layout === 'array' && !(await endsLikeArray(file.path))) throw await notJson(file, layout);
    return layout;
  } catch (error) {
    if (error instanceof MeetupError) throw error;
    const why = error instanceof TypeError ? 'its text is not UTF-8' : messageOf(error);
    throw new MeetupError(`${file.path} can't be read (${why}): mend or remove it and load again.`, { cause: error });
  }
}

/** A record in doubt waits in the table itself: with no batch id of its own yet, and its text in the place of the file's name. */
const IN_DOUBT = '';
/** A record's position until all of the file's records are there. */
const UNNUMBERED = -1;

/** The same columns as {@link lineSource}, of a file that is taken apart by its structure. */
function objectSource(path: string, layout: JsonLayout): string {
  const compression = path.endsWith('.gz') ? ", compression = 'gzip'" : '';
  return `(select json::varchar as record_text, row_number() over () - 1 as record_index, false as is_loose, json as json_text
    from read_json_objects(${quoteLiteral(path)}, format = ${quoteLiteral(layout)},
      maximum_object_size = ${LARGEST_RECORD}${compression}))`;
}

function insertStatement(entity: Entity, file: DropFile, batch: BatchStamp, source: string): string {
  const columns = entity.columns.map(([name]) => quoteIdentifier(name)).join(', ');
  const structure = quoteLiteral(JSON.stringify(entity.structure));
  const doubtful =
    entity.inRange === undefined
      ? 'true'
      : `is_loose or not (${entity.inRange}) or regexp_matches(record_text, ${quoteLiteral(doubtPattern(entity))})`;
  return `insert into raw.${entity.name}
    select ${columns},
      case when is_doubtful then ${quoteLiteral(IN_DOUBT)} else ${quoteLiteral(batch.id)} end,
      ${batch.seq}, date ${quoteLiteral(batch.droppedOn)},
      case when is_doubtful then record_text else ${quoteLiteral(file.sourceFile)} end,
      record_index, timestamp ${quoteLiteral(batch.loadedAt)}
    from (
      select *, ${doubtful} as is_doubtful
      from (
        select record_text, record_index, is_loose, record.*
        from (select *, json_transform(json_text, ${structure}) as record from ${source})
      )
    )`;
}

interface Taken {
  /** Records, or lines, of the file. */
  readonly read: number;
  readonly doubtful: readonly RawRecord[];
  /** The row id of the file's first line; rows keep the order of the file. */
  readonly base: bigint;
}

/** Takes the records in doubt out of the table again. */
async function takeDoubtful(
  warehouse: DuckDbWarehouse,
  entity: Entity,
  file: DropFile,
  batch: BatchStamp,
  isByLine: boolean,
): Promise<Taken> {
  const table = `raw.${entity.name}`;
  const inDoubt = `_batch_seq = ${batch.seq} and _batch_id = ${quoteLiteral(IN_DOUBT)}`;
  const ofFile = isByLine
    ? `_batch_seq = ${batch.seq} and _record_index = ${UNNUMBERED}`
    : `_batch_seq = ${batch.seq} and (_source_file = ${quoteLiteral(file.sourceFile)} or _batch_id = ${quoteLiteral(IN_DOUBT)})`;
  const counted = await warehouse.connection.runAndReadAll(
    `select count(*), coalesce(min(rowid), 0) from ${table} where ${ofFile}`,
  );
  const [[read, base] = []] = counted.getRows();
  const first = BigInt(String(base ?? 0));
  const position = isByLine ? `rowid - ${first}` : '_record_index';
  const reader = await warehouse.connection.runAndReadAll(
    `select ${position}, _source_file from ${table} where ${inDoubt} order by 1`,
  );
  const doubtful = reader.getRows().map(([index, text]) => ({ index: Number(index), text: String(text) }));
  await warehouse.run(`delete from ${table} where ${inDoubt}`);
  return { read: Number(read ?? 0), doubtful, base: first };
}

async function numberRecords(
  warehouse: DuckDbWarehouse,
  entity: Entity,
  batch: BatchStamp,
  base: bigint,
): Promise<void> {
  await warehouse.run(
    `update raw.${entity.name} set _record_index = rowid - ${base} where _batch_seq = ${batch.seq} and _record_index = ${UNNUMBERED}`,
  );
}

async function settle(
  warehouse: DuckDbWarehouse,
  entity: Entity,
  file: DropFile,
  batch: BatchStamp,
  judge: Judge,
  { read, doubtful }: Pick<Taken, 'read' | 'doubtful'>,
): Promise<FileCounts> {
  let rejected = 0;
  let example: string | undefined;
  for (let start = 0; start < doubtful.length; start += PORTION) {
    const judged = doubtful.slice(start, start + PORTION).map((record) => judgeText(record, judge));
    const bad = judged.filter((record) => record.reasons.length > 0);
    const good = judged.filter((record) => record.reasons.length === 0);
    await insertValid(warehouse, entity, file, batch, good);
    await insertRejected(warehouse, file, batch, bad);
    rejected += bad.length;
    const [first] = bad;
    if (first !== undefined) example ??= `record ${first.index}: ${first.reasons.slice(0, 3).join('; ')}`;
  }
  return { read, loaded: read - rejected, rejected, ...(example === undefined ? {} : { example }) };
}

interface JudgedRecord extends RawRecord {
  readonly value: unknown;
  readonly reasons: readonly string[];
}

function judgeText(record: RawRecord, judge: Judge): JudgedRecord {
  const value: unknown = JSON.parse(record.text);
  return { ...record, value, reasons: judge(value) };
}

/** What JSON.parse read, written plainly again, is read by DuckDB without any doubt. */
async function insertValid(
  warehouse: DuckDbWarehouse,
  entity: Entity,
  file: DropFile,
  batch: BatchStamp,
  records: readonly JudgedRecord[],
): Promise<void> {
  if (records.length === 0) return;
  const columns = entity.columns.map(([name]) => `record.${quoteIdentifier(name)}`).join(', ');
  await warehouse.run(
    `insert into raw.${entity.name}
     select ${columns}, $id, ${batch.seq}, $dropped::date, $file, record_index, $loaded::timestamp
     from (
       select unnest($indexes::bigint[]) as record_index,
         json_transform(unnest($texts::varchar[])::json, ${quoteLiteral(JSON.stringify(entity.structure))}) as record
     )`,
    {
      ...stampValues(file, batch),
      indexes: listValue(records.map((record) => BigInt(record.index))),
      texts: listValue(records.map((record) => JSON.stringify(record.value))),
    },
  );
}

async function insertRejected(
  warehouse: DuckDbWarehouse,
  file: DropFile,
  batch: BatchStamp,
  records: readonly JudgedRecord[],
): Promise<void> {
  if (records.length === 0) return;
  await warehouse.run(
    `insert into raw.rejected_records
     select unnest($ids::varchar[]), $entity, from_json(unnest($reasons::varchar[]), '["VARCHAR"]'), unnest($texts::varchar[]), null,
       $id, ${batch.seq}, $dropped::date, $file, unnest($indexes::bigint[]), $loaded::timestamp`,
    {
      ...stampValues(file, batch),
      entity: file.entity,
      ids: listValue(records.map((record) => rejectedId(file, batch, record))),
      reasons: listValue(records.map((record) => JSON.stringify(record.reasons))),
      texts: listValue(records.map((record) => record.text)),
      indexes: listValue(records.map((record) => BigInt(record.index))),
    },
  );
}

function stampValues(file: DropFile, batch: BatchStamp): Record<'id' | 'dropped' | 'file' | 'loaded', string> {
  return { id: batch.id, dropped: batch.droppedOn, file: file.sourceFile, loaded: batch.loadedAt };
}

function rejectedId(file: DropFile, batch: BatchStamp, record: JudgedRecord): string {
  const parts = [batch.id, file.sourceFile, String(record.index), record.text].join('\0');
  return createHash('sha256').update(parts).digest('hex').slice(0, 16);
}

async function unreadable(file: DropFile, layout: JsonLayout, error: unknown): Promise<MeetupError> {
  const said = messageOf(error);
  if (!/Malformed JSON|Invalid Input|Invalid unicode|UTF|gzip|GZIP|maximum_object_size/i.test(said)) {
    return new MeetupError(`${file.path} could not be loaded: ${said.split('\n')[0]}`, { cause: error });
  }
  if (said.includes('maximum_object_size')) {
    return new MeetupError(
      `${file.path} has a record of more than ${LARGEST_RECORD / 1024 / 1024} MB: cut it down and load again.`,
      { cause: error },
    );
  }
  return notJson(file, layout, error);
}

async function notJson(file: DropFile, layout: JsonLayout, cause?: unknown): Promise<MeetupError> {
  const fault = await locateFault(file.path, layout);
  const list =
    layout === 'newline_delimited' && fault.record === 0
      ? ' (a file holds one array of records, or one record per line)'
      : '';
  return new MeetupError(
    `${file.path} is not JSON at line ${fault.line}, in record ${fault.record}: ${fault.why}${list}. Mend or remove the file and load again; nothing of its drop was loaded.`,
    { cause },
  );
}
