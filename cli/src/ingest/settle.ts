import { createHash } from 'node:crypto';
import { type DuckDBValue, listValue } from '@duckdb/node-api';
import { quoteIdentifier, quoteLiteral } from '../warehouse/sql.ts';
import { jsonStructure } from './contract/column-types.ts';
import type { ParsedRecord } from './cutter.ts';
import { type Loading, tableOf } from './loading.ts';

/** A record in doubt after its validation. */
export interface ValidatedRecord extends ParsedRecord {
  readonly reasons: readonly string[];
}

/** The outcome for some records in doubt. */
export interface Settled {
  readonly rejected: number;
  /** The first rejected record's position and reasons, for messages. */
  readonly example?: string;
}

/**
 * Validates records in doubt one by one: valid ones are inserted with the values from JSON.parse, invalid ones go to
 * raw.rejected_records with all reasons.
 */
export const settle = (loading: Loading, records: readonly ParsedRecord[]): Promise<Settled> =>
  insertSettled(loading, validated(loading, records));

/** The records with the reasons why they are invalid, if any. */
export const validated = ({ contract }: Loading, records: readonly ParsedRecord[]): readonly ValidatedRecord[] =>
  records.map((record) => ({ ...record, reasons: contract.validate(record) }));

/** Inserts the valid records, and the invalid ones into raw.rejected_records. */
export async function insertSettled(loading: Loading, records: readonly ValidatedRecord[]): Promise<Settled> {
  const valid = records.filter(isValid);
  if (valid.length > 0) await loading.warehouse.run(appendStatement(loading, [TEXTS]), textParameters(valid));
  return insertRejected(loading, records);
}

export const isValid = ({ reasons }: ValidatedRecord): boolean => reasons.length === 0;

/** A source of records whose texts are parameters. */
export const TEXTS = '(select unnest($indexes::bigint[]) as record_index, unnest($texts::varchar[]) as json_text)';

/** The parameters of {@link TEXTS}: records as JSON.stringify writes them, which DuckDB reads the same way as JSON.parse. */
export const textParameters = (records: readonly ParsedRecord[]): Record<'indexes' | 'texts', DuckDBValue> => ({
  indexes: listValue(records.map(({ index }) => BigInt(index))),
  texts: listValue(records.map(({ value }) => JSON.stringify(value))),
});

/**
 * The statement that appends records to their raw table. A text that isn't JSON makes it fail.
 * @param sources FROM clauses with the columns record_index and json_text, in the order of the records.
 */
export function appendStatement(loading: Loading, sources: readonly string[]): string {
  const { batch, contract, file } = loading;
  const fields = contract.record.fields.map(([name]) => quoteIdentifier(name));
  const structure = quoteLiteral(JSON.stringify(jsonStructure(contract.record)));
  const selects = sources.map(
    (source) => `select ${fields.map((name) => `record.${name}`).join(', ')}, ${quoteLiteral(batch.id)}, ${batch.seq},
       date ${quoteLiteral(batch.droppedOn)}, ${quoteLiteral(file.sourceFile)}, record_index, timestamp ${quoteLiteral(batch.loadedAt)}
     from (select json_transform(json_text, ${structure}) as record, record_index from ${source})`,
  );
  return `insert into ${tableOf(loading)} (${fields.join(', ')}, ${RECORD_COLUMNS}) ${selects.join(' union all ')}`;
}

/** The columns with a record's origin, in the order of the statements here. */
export const RECORD_COLUMNS = '_batch_id, _batch_seq, _dropped_on, _source_file, _record_index, _loaded_at';

/** Inserts the invalid ones among these records into raw.rejected_records. */
export async function insertRejected(loading: Loading, records: readonly ValidatedRecord[]): Promise<Settled> {
  const bad = records.filter((record) => !isValid(record));
  const [first] = bad;
  if (first === undefined) return { rejected: 0 };
  const { warehouse, file, batch } = loading;
  await warehouse.run(
    `insert into raw.rejected_records (rejected_id, entity, reasons, record, line, ${RECORD_COLUMNS})
     select unnest($ids::varchar[]), $entity, from_json(unnest($reasons::varchar[]), '["VARCHAR"]'), unnest($texts::varchar[]), null,
       $id, ${batch.seq}, $dropped::date, $file, unnest($indexes::bigint[]), $loaded::timestamp`,
    {
      ...stampValues(loading),
      entity: file.entity,
      ids: listValue(bad.map((record) => rejectedId(loading, record))),
      reasons: listValue(bad.map((record) => JSON.stringify(record.reasons))),
      texts: listValue(bad.map((record) => record.text)),
      indexes: listValue(bad.map((record) => BigInt(record.index))),
    },
  );
  return { rejected: bad.length, example: `record ${first.index}: ${first.reasons.slice(0, 3).join('; ')}` };
}

function stampValues({ file, batch }: Loading): Record<'id' | 'dropped' | 'file' | 'loaded', string> {
  return { id: batch.id, dropped: batch.droppedOn, file: file.sourceFile, loaded: batch.loadedAt };
}

function rejectedId({ file, batch }: Loading, record: ValidatedRecord): string {
  return rejectedIdOf({ batch: batch.id, sourceFile: file.sourceFile, index: record.index, text: record.text });
}

/** The id of a rejected record: it is the same whenever the same file is loaded. */
export function rejectedIdOf(
  record: Readonly<{ batch: string; sourceFile: string; index: number; text: string }>,
): string {
  const parts = [record.batch, record.sourceFile, String(record.index), record.text].join('\0');
  return createHash('sha256').update(parts).digest('hex').slice(0, 16);
}
