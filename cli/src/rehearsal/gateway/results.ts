import { Struct, struct } from '../thrift/struct.ts';
import { bool, i32, i64, list, string, TYPE, type Value } from '../thrift/values.ts';
import type { Format } from './overlay.ts';

const ARROW_BASED_SET = 0;
const COLUMN_BASED_SET = 1;

/** The field of a column that holds the values of a type; all other types are strings. */
const COLUMN_FIELD: Readonly<Record<number, number>> = { 0: 1, 1: 2, 2: 3, 3: 4, 4: 5, 5: 6, 6: 6, 9: 8 };
/** The Thrift type of the values in each of these fields. */
const ITEM_TYPE: Readonly<Record<number, number>> = {
  1: TYPE.bool,
  2: TYPE.byte,
  3: TYPE.i16,
  4: TYPE.i32,
  5: TYPE.i64,
  6: TYPE.double,
  7: TYPE.string,
  8: TYPE.string,
};
const TEXT = 7;

/** GetResultSetMetadata's response as Databricks' clients expect it: columns count from 1, and the format is set. */
export function toClientMetadata(response: Struct, isStaging: boolean): Struct {
  const schema = response.struct(2);
  if (schema === undefined) return response;
  const columns = schema.structs(1).map((column) => struct(column.with({ 3: i32((column.i32(3) ?? 0) + 1) })));
  return response.with({
    2: struct(schema.with({ 1: list(TYPE.struct, columns) })),
    1281: i32(COLUMN_BASED_SET),
    1282: bool(false),
    1287: bool(isStaging),
  });
}

/** Metadata of rows in Arrow format, with their schema, which the server sends in front of the rows. */
export function arrowMetadata(metadata: Struct, rows: Struct, { lz4 }: Format): Struct {
  const packed = rows.struct(3)?.binary(4);
  if (packed === undefined) return metadata;
  return metadata.with({ 1281: i32(ARROW_BASED_SET), 1282: bool(lz4), 1283: string(unpacked(packed).schema) });
}

/** FetchResults' response with metadata, with as many columns as in the metadata, and with whether more rows may follow. */
export function toClientRows(
  response: Struct,
  metadata: Struct,
  asked: number,
): { readonly response: Struct; readonly count: number } {
  const results = response.struct(3);
  if (results === undefined) return { response, count: 0 };
  const packed = results.binary(4);
  const { set, count } = packed === undefined ? columnSet(results, metadata) : arrowSet(results, packed);
  // The rehearsal's own statements report whether there are more rows; Spark's operations don't.
  const more = results.i32(5);
  const hasMore = more === undefined ? count > 0 && count >= asked : more > 0;
  const complete = response.with({ 2: bool(hasMore), 3: struct(set.with({ 5: undefined })), 1281: struct(metadata) });
  return { response: complete, count };
}

interface RowSet {
  readonly set: Struct;
  readonly count: number;
}

function columnSet(results: Struct, metadata: Struct): RowSet {
  const set = results.length(3) > 0 ? results : results.with({ 3: emptyColumns(metadata) });
  return { set, count: rowCount(results) };
}

function arrowSet(results: Struct, packed: Buffer): RowSet {
  const { count, batch } = unpacked(packed);
  const batches =
    count === 0
      ? []
      : [
          struct(
            new Struct([
              [1, string(batch)],
              [2, i64(BigInt(count))],
            ]),
          ),
        ];
  return { set: results.with({ 3: undefined, 4: undefined, 1281: list(TYPE.struct, batches) }), count };
}

/** Splits what the server sends in one piece: the number of rows, their schema, and the rows. */
function unpacked(packed: Buffer): { count: number; schema: Buffer; batch: Buffer } {
  const schemaEnd = 8 + packed.readInt32BE(4);
  return { count: packed.readInt32BE(0), schema: packed.subarray(8, schemaEnd), batch: packed.subarray(schemaEnd) };
}

/** The number of rows in a set of columns. */
export function rowCount(results: Struct): number {
  const [column] = results.structs(3);
  const [kind] = column?.ids() ?? [];
  return kind === undefined ? 0 : (column?.struct(kind)?.length(1) ?? 0);
}

function emptyColumns(metadata: Struct): Value {
  const columns = metadata.struct(2)?.structs(1) ?? [];
  return list(
    TYPE.struct,
    columns.map((column) => {
      const field = COLUMN_FIELD[typeOf(column)] ?? TEXT;
      const values = list(ITEM_TYPE[field] ?? TYPE.string, []);
      const empty = new Struct([
        [1, values],
        [2, string(Buffer.alloc(0))],
      ]);
      return struct(new Struct([[field, struct(empty)]]));
    }),
  );
}

/** The type code in a column's description. */
function typeOf(column: Struct): number {
  const [entry] = column.struct(2)?.structs(1) ?? [];
  return entry?.struct(1)?.i32(1) ?? TEXT;
}
