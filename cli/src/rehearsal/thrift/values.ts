/** The type codes of Thrift's binary protocol. */
export const TYPE = {
  stop: 0,
  bool: 2,
  byte: 3,
  double: 4,
  i16: 6,
  i32: 8,
  i64: 10,
  string: 11,
  struct: 12,
  map: 13,
  set: 14,
  list: 15,
} as const;

/** An encoded value: its type code and its bytes, which can be forwarded without decoding them. */
export interface Value {
  readonly type: number;
  readonly bytes: Buffer;
}

export const bool = (value: boolean): Value => ({ type: TYPE.bool, bytes: Buffer.from([value ? 1 : 0]) });

export function i32(value: number): Value {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return { type: TYPE.i32, bytes };
}

export function i64(value: bigint): Value {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return { type: TYPE.i64, bytes };
}

/** A string or bytes: Thrift doesn't distinguish them. */
export function string(value: string | Buffer): Value {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return { type: TYPE.string, bytes: Buffer.concat([i32(bytes.length).bytes, bytes]) };
}

export function list(type: number, items: readonly Value[]): Value {
  const header = Buffer.concat([Buffer.from([type]), i32(items.length).bytes]);
  return { type: TYPE.list, bytes: Buffer.concat([header, ...items.map(({ bytes }) => bytes)]) };
}

/** A map from string to string. */
export function stringMap(entries: ReadonlyMap<string, string>): Value {
  const header = Buffer.concat([Buffer.from([TYPE.string, TYPE.string]), i32(entries.size).bytes]);
  const pairs = [...entries].flatMap(([key, value]) => [string(key).bytes, string(value).bytes]);
  return { type: TYPE.map, bytes: Buffer.concat([header, ...pairs]) };
}

const FIXED_SIZE: Readonly<Record<number, number>> = {
  [TYPE.bool]: 1,
  [TYPE.byte]: 1,
  [TYPE.double]: 8,
  [TYPE.i16]: 2,
  [TYPE.i32]: 4,
  [TYPE.i64]: 8,
};

/** How deeply structs and lists may be nested before a message counts as malformed. */
const DEEPEST = 64;

/**
 * The offset at which a value that starts at `offset` ends.
 * @throws RangeError if the message ends before the value does, or isn't valid Thrift.
 */
export function endOf(type: number, buffer: Buffer, offset: number, depth = 0): number {
  if (depth > DEEPEST) throw new RangeError('A Thrift message is nested too deeply.');
  const size = FIXED_SIZE[type];
  if (size !== undefined) return within(buffer, offset + size);
  switch (type) {
    case TYPE.string:
      return within(buffer, offset + 4 + count(buffer, offset));
    case TYPE.struct:
      return endOfStruct(buffer, offset, depth);
    case TYPE.list:
    case TYPE.set:
      return endOfItems([buffer.readUInt8(offset)], count(buffer, offset + 1), buffer, offset + 5, depth);
    case TYPE.map:
      return endOfItems(
        [buffer.readUInt8(offset), buffer.readUInt8(offset + 1)],
        count(buffer, offset + 2),
        buffer,
        offset + 6,
        depth,
      );
    default:
      throw new RangeError(`A Thrift message has a value of the unknown type ${type}.`);
  }
}

function endOfStruct(buffer: Buffer, offset: number, depth: number): number {
  let at = offset;
  for (;;) {
    const type = buffer.readUInt8(at);
    if (type === TYPE.stop) return at + 1;
    at = endOf(type, buffer, at + 3, depth + 1);
  }
}

function endOfItems(types: readonly number[], items: number, buffer: Buffer, offset: number, depth: number): number {
  const sizes = types.map((type) => FIXED_SIZE[type]);
  const fixed = sizes.reduce<number>((sum, size) => sum + (size ?? Number.NaN), 0);
  if (!Number.isNaN(fixed)) return within(buffer, offset + items * fixed);
  let at = offset;
  for (let i = 0; i < items; i += 1) for (const type of types) at = endOf(type, buffer, at, depth + 1);
  return at;
}

/** Reads a length or a number of items. */
export function count(buffer: Buffer, offset: number): number {
  const value = buffer.readInt32BE(offset);
  if (value < 0) throw new RangeError('A Thrift message has a negative length.');
  return value;
}

function within(buffer: Buffer, end: number): number {
  if (end > buffer.length) throw new RangeError('A Thrift message ends too early.');
  return end;
}
