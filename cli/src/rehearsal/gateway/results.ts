import { Struct, struct } from '../thrift/struct.ts';
import { bool, i32, list, string, TYPE, type Value } from '../thrift/values.ts';

const COLUMN_BASED_SET = 1;

/** Which field of a column holds the values of a type; text holds all others. */
const COLUMN_FIELD: Readonly<Record<number, number>> = { 0: 1, 1: 2, 2: 3, 3: 4, 4: 5, 5: 6, 6: 6, 9: 8 };
/** And what its values are in Thrift. */
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

/** GetResultSetMetadata's response as Databricks' clients expect it: columns count from 1, and the format is said. */
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

/** FetchResults' response with its metadata, as many columns as these say, and whether more rows may follow. */
export function toClientRows(response: Struct, metadata: Struct, asked: number): Struct {
  const results = response.struct(3);
  if (results === undefined) return response;
  const rows = rowCount(results);
  const whole = results.length(3) > 0 ? results : results.with({ 3: emptyColumns(metadata) });
  return response.with({ 2: bool(rows > 0 && rows >= asked), 3: struct(whole), 1281: struct(metadata) });
}

/** How many rows a set of columns has. */
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

/** The code of a column's type, from its description. */
function typeOf(column: Struct): number {
  const [entry] = column.struct(2)?.structs(1) ?? [];
  return entry?.struct(1)?.i32(1) ?? TEXT;
}
