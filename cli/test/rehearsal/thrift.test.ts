import { describe, expect, it } from 'vitest';
import {
  callOf,
  decodeMessage,
  encodeMessage,
  exceptionOf,
  KIND,
  replyOf,
} from '../../src/rehearsal/thrift/message.ts';
import { Struct, struct } from '../../src/rehearsal/thrift/struct.ts';
import { bool, i32, i64, list, string, stringMap, TYPE } from '../../src/rehearsal/thrift/values.ts';

const sample = new Struct([
  [1, bool(true)],
  [2, i32(-7)],
  [3, i64(2n ** 40n)],
  [4, string('grüezi')],
  [5, struct(new Struct([[1, string(Buffer.from([0, 255]))]]))],
  [6, list(TYPE.struct, [struct(new Struct([[1, i32(1)]])), struct(new Struct([[1, i32(2)]]))])],
  [
    7,
    stringMap(
      new Map([
        ['a', '1'],
        ['b', ''],
      ]),
    ),
  ],
  [1281, list(TYPE.i64, [i64(1n), i64(2n), i64(3n)])],
]);

describe('a Thrift struct', () => {
  it('is read as it was written, with fields of every type', () => {
    const read = Struct.read(sample.encode());
    expect(read.bool(1)).toBe(true);
    expect(read.i32(2)).toBe(-7);
    expect(read.i64(3)).toBe(2n ** 40n);
    expect(read.string(4)).toBe('grüezi');
    expect(read.struct(5)?.binary(1)).toEqual(Buffer.from([0, 255]));
    expect(read.structs(6).map((item) => item.i32(1))).toEqual([1, 2]);
    expect([...read.stringMap(7)]).toEqual([
      ['a', '1'],
      ['b', ''],
    ]);
    expect(read.length(1281)).toBe(3);
  });

  it('is encoded byte for byte as it was read', () => {
    const bytes = sample.encode();
    expect(Struct.read(bytes).encode()).toEqual(bytes);
  });

  it('has no value for a missing field, or one of another type', () => {
    expect(sample.i32(1)).toBeUndefined();
    expect(sample.string(99)).toBeUndefined();
    expect(sample.structs(1281)).toEqual([]);
  });

  it('can be copied with changed fields, and is itself unchanged', () => {
    const changed = sample.with({ 2: i32(8), 4: undefined, 9: bool(false) });
    expect([changed.i32(2), changed.has(4), changed.bool(9)]).toEqual([8, false, false]);
    expect([sample.i32(2), sample.has(4), sample.has(9)]).toEqual([-7, true, false]);
  });

  it.each([1, 3, 8, 20, 60])('is rejected if it is truncated (%i bytes)', (length) => {
    expect(() => Struct.read(sample.encode().subarray(0, length))).toThrow(RangeError);
  });

  it('is rejected if a length is negative or too large', () => {
    const of = (length: number): Buffer =>
      Buffer.concat([Buffer.from([TYPE.string, 0, 1]), i32(length).bytes, Buffer.from([0])]);
    expect(() => Struct.read(of(-1))).toThrow(RangeError);
    expect(() => Struct.read(of(2 ** 30))).toThrow(RangeError);
  });

  it('is rejected if it is nested too deeply', () => {
    const deep = Buffer.concat(Array.from({ length: 100_000 }, () => Buffer.from([TYPE.struct, 0, 1])));
    expect(() => Struct.read(deep)).toThrow(RangeError);
  });
});

describe('a Thrift message', () => {
  it('contains a call and its sequence number', () => {
    const call = decodeMessage(encodeMessage(callOf('OpenSession', 42, sample)));
    expect([call.name, call.kind, call.sequence]).toEqual(['OpenSession', KIND.call, 42]);
    expect(call.body.struct(1)?.string(4)).toBe('grüezi');
  });

  it('is answered with the same sequence number', () => {
    const reply = decodeMessage(encodeMessage(replyOf(callOf('FetchResults', 7, sample), sample)));
    expect([reply.kind, reply.sequence, reply.body.struct(0)?.i32(2)]).toEqual([KIND.reply, 7, -7]);
  });

  it('can be answered with an exception and its reason', () => {
    const refusal = decodeMessage(encodeMessage(exceptionOf(callOf('GetNothing', 3, sample), 'No.', 1)));
    expect([refusal.kind, refusal.sequence, refusal.body.string(1), refusal.body.i32(2)]).toEqual([
      KIND.exception,
      3,
      'No.',
      1,
    ]);
  });

  it('is rejected if it has no Thrift header', () => {
    expect(() => decodeMessage(Buffer.from('GET / HTTP/1.1\r\n'))).toThrow("not a message of Thrift's binary protocol");
  });
});
