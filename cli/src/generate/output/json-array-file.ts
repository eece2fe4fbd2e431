import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';

const BUFFER_BYTES = 1 << 20;

export interface WrittenFile {
  readonly bytes: number;
  readonly records: number;
  readonly sha256: string;
}

/**
 * Writes a JSON array, one record per line, in bounded memory. The file must not exist yet. It is open only while a full buffer
 * is written, so that a year of drops doesn't need a thousand open files.
 */
export class JsonArrayFile {
  private readonly buffer: Buffer;
  private readonly path: string;
  private readonly digest = createHash('sha256');
  private filled = 0;
  private bytes = 0;
  private records = 0;

  constructor(path: string, bufferBytes: number = BUFFER_BYTES) {
    this.path = path;
    this.buffer = Buffer.allocUnsafe(bufferBytes);
  }

  /**
   * Adds one record, given as JSON text without line breaks.
   * @throws the file system's errors: a read-only folder, a full disk.
   */
  add(record: string): void {
    this.put(this.records === 0 ? '[\n' : ',\n');
    this.put(record);
    this.records += 1;
  }

  /** Closes the array and syncs the file to disk. */
  close(): WrittenFile {
    this.put(this.records === 0 ? '[]\n' : '\n]\n');
    this.flush();
    const file = openSync(this.path, 'r+');
    try {
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    return { bytes: this.bytes, records: this.records, sha256: this.digest.digest('hex') };
  }

  private put(text: string): void {
    // UTF-8 takes at most three bytes per UTF-16 code unit.
    const most = text.length * 3;
    if (most > this.buffer.length - this.filled) this.flush();
    if (most > this.buffer.length) {
      this.write(Buffer.from(text));
      return;
    }
    this.filled += this.buffer.write(text, this.filled);
  }

  private flush(): void {
    if (this.filled === 0) return;
    this.write(this.buffer.subarray(0, this.filled));
    this.filled = 0;
  }

  private write(bytes: Buffer): void {
    this.digest.update(bytes);
    const file = openSync(this.path, this.bytes === 0 ? 'wx' : 'a');
    try {
      for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
    } finally {
      closeSync(file);
    }
    this.bytes += bytes.length;
  }
}
