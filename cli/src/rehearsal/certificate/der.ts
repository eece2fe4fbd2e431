/* The parts of ASN.1's distinguished encoding rules (DER) that a certificate needs. */

function encoded(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

export const sequence = (...items: Buffer[]): Buffer => encoded(0x30, Buffer.concat(items));
export const set = (...items: Buffer[]): Buffer => encoded(0x31, Buffer.concat(items));
export const boolean = (value: boolean): Buffer => encoded(0x01, Buffer.from([value ? 0xff : 0]));
export const octets = (content: Buffer): Buffer => encoded(0x04, content);
export const utf8 = (text: string): Buffer => encoded(0x0c, Buffer.from(text));

/** A non-negative integer, from its big-endian bytes. */
export function integer(bytes: Buffer): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const significant = first < 0 ? Buffer.from([0]) : bytes.subarray(first);
  return encoded(0x02, (significant[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), significant]) : significant);
}

/** A bit string, without the `unused` lowest bits of the last byte. */
export const bits = (content: Buffer, unused = 0): Buffer =>
  encoded(0x03, Buffer.concat([Buffer.from([unused]), content]));

/** An object identifier such as `2.5.29.17`. */
export function identifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) groups.unshift(0x80 | (left % 128));
    bytes.push(...groups);
  }
  return encoded(0x06, Buffer.from(bytes));
}

/** A time in UTC, to the second; from 2050 on as GeneralizedTime, as certificates require. */
export function time(moment: Date): Buffer {
  const text = `${moment.toISOString().replace(/\.\d+|[-:T]/g, '')}`;
  return moment.getUTCFullYear() < 2050 ? encoded(0x17, Buffer.from(text.slice(2))) : encoded(0x18, Buffer.from(text));
}

/** A context-specific tag around a value with its own tag (explicit tagging). */
export const tagged = (tag: number, content: Buffer): Buffer => encoded(0xa0 | tag, content);
/** Content with a context-specific tag instead of its own (implicit tagging). */
export const taggedBytes = (tag: number, content: Buffer): Buffer => encoded(0x80 | tag, content);
