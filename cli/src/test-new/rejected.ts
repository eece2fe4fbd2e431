import { MeetupError, messageOf } from '../config/errors.ts';
import { quoteIdentifier, quoteLiteral } from '../warehouse/sql.ts';
import type { CompiledModel } from './compiled-model.ts';
import { finishRows, type Reduced } from './reduce.ts';
import { type Column, published, type Rows, type Workbench } from './workbench.ts';

/** A rejected record, as it was read. */
export interface RejectedRecord {
  readonly id: string;
  readonly entity: string;
  /** Columns of its raw table, with DuckDB types, without those that say where a record came from. */
  readonly columns: readonly Column[];
  readonly json: string;
  /** The metadata that `load` would have written, as SQL by column. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** @throws MeetupError if there is no such record. */
export async function findRejected(bench: Workbench, id: string): Promise<RejectedRecord> {
  const found = await bench.query(
    `select entity, record, cast(_dropped_on as varchar), _source_file, _record_index, _batch_seq, _batch_id, cast(_loaded_at as varchar)
     from ${published('raw', 'rejected_records')} where rejected_id = ${quoteLiteral(id)} order by _batch_seq limit 1`,
  );
  const [name, json = '', droppedOn = '', file = '', index = '', seq = '', batch = '', loadedAt = ''] = (
    found.rows[0] ?? []
  ).map(String);
  const entity = name;
  if (entity === undefined) {
    throw new MeetupError(
      `There is no rejected record '${id}': \`./meetup query "select rejected_id, entity, reasons from raw.rejected_records"\` lists them.`,
    );
  }
  const metadata = {
    _batch_id: quoteLiteral(batch),
    _batch_seq: `cast(${seq} as integer)`,
    _dropped_on: `cast(${quoteLiteral(droppedOn)} as date)`,
    _source_file: quoteLiteral(file),
    _record_index: `cast(${index} as bigint)`,
    _loaded_at: `cast(${quoteLiteral(loadedAt)} as timestamp)`,
  };
  const { columns: all } = await bench.query(`select * from ${published('raw', entity)} limit 0`);
  const columns = all.filter((column) => !(column.name in metadata));
  const record = { id, entity, columns, json, metadata };
  await bench.query(leniently(record)).catch((error: unknown) => {
    throw new MeetupError(`The record is not readable JSON: ${messageOf(error).split('\n')[0]}`, {
      cause: error,
    });
  });
  return record;
}

/** SQL for the raw row of an admitted record: values that don't fit their column's type are null. */
export function leniently({ columns: listed, json, metadata }: RejectedRecord): string {
  const record = `cast(${quoteLiteral(json)} as json)`;
  // A list with an unreadable item is null as a whole.
  const columns = listed.map(({ name, type }) => {
    const extract = type === 'VARCHAR' ? 'json_extract_string' : 'json_extract';
    return `try_cast(${extract}(${record}, ${quoteLiteral(`$."${name}"`)}) as ${type}) as ${quoteIdentifier(name)}`;
  });
  const others = Object.entries(metadata).map(([name, sql]) => `${sql} as ${name}`);
  return `select ${[...columns, ...others].join(', ')}`;
}

/** Whether the model reads raw records of that kind itself. */
export const readsRaw = (model: CompiledModel, entity: string): boolean =>
  model.inputs.some(({ schema, table }) => schema === 'raw' && table === entity);

/** The result of a model that reads raw records, for this one alone. */
export async function outputOfRecord(
  bench: Workbench,
  model: CompiledModel,
  record: RejectedRecord,
): Promise<Reduced & { chosen: number }> {
  await bench.slice(model.inputs.map(() => 'false'));
  const given: Rows[] = [];
  for (const [index, { schema, table }] of model.inputs.entries()) {
    const isRecord = schema === 'raw' && table === record.entity;
    given.push(isRecord ? await bench.query(leniently(record)) : await bench.chosen(index));
  }
  const reduced = await finishRows(bench, model, given);
  return { ...reduced, nearness: 'same', chosen: reduced.expected.rows.length };
}
