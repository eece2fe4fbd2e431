import { Struct, struct } from './struct.ts';
import { count, string } from './values.ts';

/** A call or its answer. */
export interface Message {
  readonly name: string;
  readonly kind: number;
  readonly sequence: number;
  /** The arguments (field 1 is the request), or the result (field 0 is the response). */
  readonly body: Struct;
}

export const KIND = { call: 1, reply: 2, exception: 3 } as const;
const VERSION = 0x80010000;

/** @throws RangeError if the bytes aren't a message in the strict binary protocol. */
export function decodeMessage(bytes: Buffer): Message {
  const head = bytes.readUInt32BE(0);
  if ((head & 0xffff0000) >>> 0 !== VERSION)
    throw new RangeError("The bytes are not a message of Thrift's binary protocol.");
  const nameLength = count(bytes, 4);
  const name = bytes.toString('utf8', 8, 8 + nameLength);
  const sequence = bytes.readInt32BE(8 + nameLength);
  return { name, kind: head & 0xff, sequence, body: Struct.read(bytes, 12 + nameLength) };
}

export function encodeMessage({ name, kind, sequence, body }: Message): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE((VERSION | kind) >>> 0);
  const tail = Buffer.alloc(4);
  tail.writeInt32BE(sequence);
  return Buffer.concat([head, string(name).bytes, tail, body.encode()]);
}

export const callOf = (name: string, sequence: number, request: Struct): Message => ({
  name,
  kind: KIND.call,
  sequence,
  body: new Struct([[1, struct(request)]]),
});

export const replyOf = ({ name, sequence }: Message, response: Struct): Message => ({
  name,
  kind: KIND.reply,
  sequence,
  body: new Struct([[0, struct(response)]]),
});

/** A TApplicationException, such as "unknown method" (1) or "internal error" (6). */
export const exceptionOf = ({ name, sequence }: Message, reason: string, code: number): Message => ({
  name,
  kind: KIND.exception,
  sequence,
  body: new Struct([
    [1, string(reason)],
    [2, { type: 8, bytes: Buffer.from([0, 0, 0, code]) }],
  ]),
});
