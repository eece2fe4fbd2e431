import { createReadStream, type ReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

export const NEWLINE = 0x0a;
export const RETURN = 0x0d;
export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const OPEN_LIST = 0x5b;
export const BACKSLASH = 0x5c;
export const CLOSE_LIST = 0x5d;
export const OPEN_OBJECT = 0x7b;
export const CLOSE_OBJECT = 0x7d;

/** White space between the values of JSON. */
export const isSpace = (byte: number): boolean => byte === 0x20 || byte === NEWLINE || byte === RETURN || byte === 0x09;

/** Opens a file, and decompresses it if its name ends in .gz. An error of either stream ends `unpacked`. */
export function openUnpacked(path: string): { readonly source: ReadStream; readonly unpacked: Readable } {
  const source = createReadStream(path, { highWaterMark: 1 << 20 });
  if (!path.endsWith('.gz')) return { source, unpacked: source };
  const unpacked = source.pipe(createGunzip({ chunkSize: 1 << 20 }));
  source.on('error', (error) => unpacked.destroy(error));
  return { source, unpacked };
}
