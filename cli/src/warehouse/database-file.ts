import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { hasCode } from '../config/errors.ts';

/** DuckDB's main header and its two database headers; each checkpoint writes one of these with a higher count. */
const HEADERS_BYTES = 3 * 4096;
const CHUNK_BYTES = 4 << 20;
/** The unit of comparing and copying: DuckDB's block. */
const BLOCK_BYTES = 256 << 10;

/**
 * A signature of a database file's state that needs no full read: each checkpoint increments a counter in its headers.
 * Copies of one file have the same signature. Undefined if there is no file.
 * @see https://duckdb.org/docs/stable/internals/storage
 */
export async function signatureOf(path: string): Promise<string | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADERS_BYTES), 0, HEADERS_BYTES, 0);
    return `${size}:${createHash('sha256').update(buffer.subarray(0, bytesRead)).digest('hex')}`;
  } finally {
    await file.close();
  }
}

/**
 * Makes `target` equal to `source` by writing only the blocks that differ.
 * @returns the number of bytes written.
 */
export async function copyDifferences(source: string, target: string): Promise<number> {
  const from = await open(source, 'r');
  const to = await open(target, 'r+');
  try {
    const { size } = await from.stat();
    await to.truncate(size);
    const [wanted, present] = [Buffer.allocUnsafe(CHUNK_BYTES), Buffer.allocUnsafe(CHUNK_BYTES)];
    let written = 0;
    for (let at = 0; at < size; at += CHUNK_BYTES) {
      const length = Math.min(CHUNK_BYTES, size - at);
      await Promise.all([readFully(from, wanted, length, at), readFully(to, present, length, at)]);
      written += await writeDifferences(to, wanted, present, length, at);
    }
    return written;
  } finally {
    await Promise.all([from.close(), to.close()]);
  }
}

async function writeDifferences(
  to: FileHandle,
  wanted: Buffer,
  present: Buffer,
  length: number,
  at: number,
): Promise<number> {
  let written = 0;
  for (let start = 0; start < length; start += BLOCK_BYTES) {
    const end = Math.min(start + BLOCK_BYTES, length);
    if (wanted.compare(present, start, end, start, end) === 0) continue;
    await to.write(wanted, start, end - start, at + start);
    written += end - start;
  }
  return written;
}

async function readFully(file: FileHandle, into: Buffer, length: number, at: number): Promise<void> {
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(into, done, length - done, at + done);
    if (bytesRead === 0) throw new Error('the file was truncated while it was being read');
    done += bytesRead;
  }
}
