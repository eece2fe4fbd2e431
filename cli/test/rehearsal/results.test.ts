import { describe, expect, it } from 'vitest';
import { arrowMetadata, rowCount, toClientMetadata, toClientRows } from '../../src/rehearsal/gateway/results.ts';
import { Struct, struct } from '../../src/rehearsal/thrift/struct.ts';
import { bool, i32, i64, list, string, TYPE } from '../../src/rehearsal/thrift/values.ts';

const INT = 3;
const TEXT = 7;

function column(name: string, type: number, position: number): Struct {
  const entry = new Struct([[1, struct(new Struct([[1, i32(type)]]))]]);
  return new Struct([
    [1, string(name)],
    [2, struct(new Struct([[1, list(TYPE.struct, [struct(entry)])]]))],
    [3, i32(position)],
  ]);
}

const metadataFromSpark = new Struct([
  [1, struct(new Struct([[1, i32(0)]]))],
  [2, struct(new Struct([[1, list(TYPE.struct, [struct(column('n', INT, 0)), struct(column('s', TEXT, 1))])]]))],
]);

function rowsFromSpark(columns: Struct[]): Struct {
  const set = new Struct([
    [1, i64(0n)],
    [2, list(TYPE.struct, [])],
    [3, list(TYPE.struct, columns.map(struct))],
  ]);
  return new Struct([
    [2, bool(false)],
    [3, struct(set)],
  ]);
}

const numbers = (...values: number[]): Struct =>
  new Struct([
    [
      4,
      struct(
        new Struct([
          [1, list(TYPE.i32, values.map(i32))],
          [2, string(Buffer.alloc(1))],
        ]),
      ),
    ],
  ]);

describe('the metadata of a result', () => {
  it("counts columns from 1 and contains the format, as Databricks' clients expect", () => {
    const metadata = toClientMetadata(metadataFromSpark, false);
    expect(
      metadata
        .struct(2)
        ?.structs(1)
        .map((item) => [item.string(1), item.i32(3)]),
    ).toEqual([
      ['n', 1],
      ['s', 2],
    ]);
    expect([metadata.i32(1281), metadata.bool(1282), metadata.bool(1287)]).toEqual([1, false, false]);
  });

  it('marks a file transfer', () => {
    expect(toClientMetadata(metadataFromSpark, true).bool(1287)).toBe(true);
  });
});

describe('the rows of a result', () => {
  const metadata = toClientMetadata(metadataFromSpark, false);

  it('include their metadata, and indicate more rows if there are as many as requested', () => {
    const full = toClientRows(rowsFromSpark([numbers(1, 2, 3), numbers(4, 5, 6)]), metadata, 3).response;
    expect([full.bool(2), full.struct(1281)?.i32(1281)]).toEqual([true, 1]);
    expect(toClientRows(rowsFromSpark([numbers(1, 2), numbers(3, 4)]), metadata, 3).response.bool(2)).toBe(false);
  });

  it('have typed columns even if they are empty', () => {
    const none = toClientRows(rowsFromSpark([]), metadata, 100).response;
    const columns = none.struct(3)?.structs(3) ?? [];
    expect(columns.map((item) => item.ids())).toEqual([[4], [7]]);
    expect(columns.map((item) => item.struct(item.ids()[0] ?? 0)?.length(1))).toEqual([0, 0]);
    expect(none.bool(2)).toBe(false);
  });

  it("indicate more rows if Spark does, without passing on Spark's field", () => {
    const few = rowsFromSpark([numbers(1), numbers(2)]);
    const set = few.struct(3) ?? new Struct();
    const { response, count } = toClientRows(few.with({ 3: struct(set.with({ 5: i32(1) })) }), metadata, 100);
    expect([response.bool(2), response.struct(3)?.has(5), count]).toEqual([true, false, 1]);
  });

  it('are passed on as one batch if they are in Arrow format, with the schema in the metadata', () => {
    const header = Buffer.alloc(8);
    header.writeInt32BE(7, 0);
    header.writeInt32BE(6, 4);
    const packed = string(Buffer.concat([header, Buffer.from('schema'), Buffer.from('batch')]));
    const set = new Struct([
      [1, i64(0n)],
      [2, list(TYPE.struct, [])],
      [4, packed],
      [5, i32(0)],
    ]);
    const response = new Struct([[3, struct(set)]]);
    const described = arrowMetadata(metadata, response, { arrow: true, lz4: true });
    expect([described.i32(0x501), described.bool(0x502), described.string(0x503)]).toEqual([0, true, 'schema']);
    const rows = toClientRows(response, described, 100);
    const [batch] = rows.response.struct(3)?.structs(0x501) ?? [];
    expect([batch?.string(1), batch?.i64(2), rows.count, rows.response.bool(2)]).toEqual(['batch', 7n, 7, false]);
    expect(rows.response.struct(3)?.has(4)).toBe(false);
  });

  it('are counted in their first column', () => {
    expect(rowCount(new Struct([[3, list(TYPE.struct, [struct(numbers(1, 2, 3))])]]))).toBe(3);
    expect(rowCount(new Struct())).toBe(0);
  });
});
