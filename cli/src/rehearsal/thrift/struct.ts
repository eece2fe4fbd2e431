import { count, endOf, TYPE, type Value } from './values.ts';

/**
 * A Thrift struct whose fields are decoded on demand: the gateway changes a few fields of each message and forwards the bytes of
 * all others, which may be columns with 100,000 rows.
 */
export class Struct {
  readonly #fields: ReadonlyMap<number, Value>;

  constructor(fields: Iterable<readonly [number, Value]> = []) {
    this.#fields = new Map(fields);
  }

  /** @throws RangeError if the bytes aren't a struct. */
  static read(buffer: Buffer, offset = 0): Struct {
    const fields = new Map<number, Value>();
    let at = offset;
    for (;;) {
      const type = buffer.readUInt8(at);
      if (type === TYPE.stop) return new Struct(fields);
      const id = buffer.readInt16BE(at + 1);
      const end = endOf(type, buffer, at + 3);
      fields.set(id, { type, bytes: buffer.subarray(at + 3, end) });
      at = end;
    }
  }

  encode(): Buffer {
    const parts: Buffer[] = [];
    for (const [id, { type, bytes }] of this.#fields) {
      const header = Buffer.alloc(3);
      header.writeUInt8(type);
      header.writeInt16BE(id, 1);
      parts.push(header, bytes);
    }
    return Buffer.concat([...parts, Buffer.from([TYPE.stop])]);
  }

  /** A copy with some fields set, or removed if their value is undefined. */
  with(changes: Readonly<Record<number, Value | undefined>>): Struct {
    const fields = new Map(this.#fields);
    for (const [id, value] of Object.entries(changes)) {
      if (value === undefined) fields.delete(Number(id));
      else fields.set(Number(id), value);
    }
    return new Struct(fields);
  }

  has(id: number): boolean {
    return this.#fields.has(id);
  }

  bool(id: number): boolean | undefined {
    const bytes = this.#bytes(id, TYPE.bool);
    return bytes && bytes.readUInt8() !== 0;
  }

  i32(id: number): number | undefined {
    return this.#bytes(id, TYPE.i32)?.readInt32BE();
  }

  i64(id: number): bigint | undefined {
    return this.#bytes(id, TYPE.i64)?.readBigInt64BE();
  }

  double(id: number): number | undefined {
    return this.#bytes(id, TYPE.double)?.readDoubleBE();
  }

  binary(id: number): Buffer | undefined {
    return this.#bytes(id, TYPE.string)?.subarray(4);
  }

  string(id: number): string | undefined {
    return this.binary(id)?.toString();
  }

  struct(id: number): Struct | undefined {
    const bytes = this.#bytes(id, TYPE.struct);
    return bytes && Struct.read(bytes);
  }

  /** The number of items in a list, without decoding them. */
  length(id: number): number {
    const bytes = this.#bytes(id, TYPE.list);
    return bytes === undefined ? 0 : count(bytes, 1);
  }

  /** The items of a list of structs; none if there is no such list. */
  structs(id: number): Struct[] {
    const bytes = this.#bytes(id, TYPE.list);
    if (bytes === undefined || bytes.readUInt8() !== TYPE.struct) return [];
    const items: Struct[] = [];
    let at = 5;
    for (let i = count(bytes, 1); i > 0; i -= 1) {
      const end = endOf(TYPE.struct, bytes, at);
      items.push(Struct.read(bytes.subarray(at, end)));
      at = end;
    }
    return items;
  }

  /** The items of a list of strings; none if there is no such list. */
  strings(id: number): string[] {
    const bytes = this.#bytes(id, TYPE.list);
    if (bytes === undefined || bytes.readUInt8() !== TYPE.string) return [];
    const items: string[] = [];
    let at = 5;
    for (let i = count(bytes, 1); i > 0; i -= 1) {
      const end = endOf(TYPE.string, bytes, at);
      items.push(bytes.toString('utf8', at + 4, end));
      at = end;
    }
    return items;
  }

  /** A map from string to string; empty if there is none. */
  stringMap(id: number): Map<string, string> {
    const entries = new Map<string, string>();
    const bytes = this.#bytes(id, TYPE.map);
    if (bytes === undefined || bytes.readUInt8(0) !== TYPE.string || bytes.readUInt8(1) !== TYPE.string) return entries;
    let at = 6;
    const next = (): string => {
      const start = at + 4;
      at = endOf(TYPE.string, bytes, at);
      return bytes.toString('utf8', start, at);
    };
    for (let i = count(bytes, 2); i > 0; i -= 1) {
      const key = next();
      entries.set(key, next());
    }
    return entries;
  }

  /** The ids of the fields that are set. */
  ids(): number[] {
    return [...this.#fields.keys()];
  }

  #bytes(id: number, type: number): Buffer | undefined {
    const value = this.#fields.get(id);
    return value?.type === type ? value.bytes : undefined;
  }
}

/** A struct as a value of another struct. */
export const struct = (value: Struct): Value => ({ type: TYPE.struct, bytes: value.encode() });
