import {
  BACKSLASH,
  CLOSE_LIST,
  CLOSE_OBJECT,
  COMMA,
  isSpace,
  NEWLINE,
  OPEN_LIST,
  OPEN_OBJECT,
  openUnpacked,
  QUOTE,
  RETURN,
} from './json-bytes.ts';
import type { ListLayout } from './json-text.ts';

/*
 * Counts a file's records independently of DuckDB. DuckDB's readers have lost a file's last record, read past a missing bracket,
 * and accepted a truncated archive, each without an error; so a batch is only committed if both counts agree. Decompressing with
 * zlib also verifies the checksum.
 */

export interface Scan {
  /** The number of records: the items of an array, or the lines that aren't blank. */
  readonly records: number;
  /** The number of lines, including blank ones; the last may lack its line end. */
  readonly lines: number;
  /** The longest line without its line end, or the longest item of an array, in bytes of the decompressed text. */
  readonly longest: number;
  /** How many bytes of the file were read. */
  readonly bytes: number;
  /** False if the array is not closed, a record is missing next to a comma, or something follows the array. */
  readonly isWellFormed: boolean;
}

/** Reads the whole file once. Rejects if it can't be read or decompressed, or its checksum is wrong. */
export async function scanFile(path: string, kind: ListLayout): Promise<Scan> {
  const { source, unpacked } = openUnpacked(path);
  const scanner = kind === 'array' ? new ArrayScanner() : new LineScanner(true);
  for await (const chunk of unpacked) {
    if (chunk instanceof Uint8Array) scanner.push(chunk);
  }
  return { ...scanner.end(), bytes: source.bytesRead };
}

type Counted = Omit<Scan, 'bytes'>;

/** The bytes of a byte order mark; no JSON value begins with any of them. */
const MARK = new Set([0xef, 0xbb, 0xbf]);

/** Counts lines, and with `findsBlank` also which of them are blank; without, it is faster. */
export class LineScanner {
  readonly #findsBlank: boolean;
  #lines = 0;
  #blank = 0;
  #longest = 0;
  /** Bytes of the current line so far. */
  #length = 0;
  #hasText = false;
  #endsInReturn = false;

  constructor(findsBlank: boolean) {
    this.#findsBlank = findsBlank;
  }

  push(chunk: Uint8Array): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.#add(chunk, start, end);
      this.#close();
      start = end + 1;
    }
    this.#add(chunk, start, chunk.length);
  }

  end(): Counted {
    if (this.#length > 0) this.#close();
    return { records: this.#lines - this.#blank, lines: this.#lines, longest: this.#longest, isWellFormed: true };
  }

  #add(chunk: Uint8Array, start: number, end: number): void {
    this.#length += end - start;
    if (end > start) this.#endsInReturn = chunk[end - 1] === RETURN;
    if (!this.#findsBlank) return;
    for (let at = start; at < end && !this.#hasText; at += 1) this.#hasText = !isSpace(chunk[at] ?? 0);
  }

  #close(): void {
    this.#lines += 1;
    if (!this.#hasText) this.#blank += 1;
    this.#longest = Math.max(this.#longest, this.#length - (this.#endsInReturn ? 1 : 0));
    this.#length = 0;
    this.#hasText = false;
    this.#endsInReturn = false;
  }
}

/** Finds the commas between an array's items, looking only at strings and brackets inside them. */
class ArrayScanner {
  #position = 0;
  #depth = 0;
  #inText = false;
  #isEscaped = false;
  /** Where the current item starts; -1 between items. */
  #start = -1;
  /** Where the white space behind the item starts; -1 if there is none. */
  #spaceFrom = -1;
  #afterComma = false;
  #hasEnded = false;
  #isWellFormed = true;
  #records = 0;
  #lines = 0;
  #longest = 0;

  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (this.#inText) {
        if (this.#isEscaped) this.#isEscaped = false;
        else if (byte === BACKSLASH) this.#isEscaped = true;
        else if (byte === QUOTE) this.#inText = false;
      } else if (this.#depth > 1) this.#inItem(byte);
      else this.#betweenItems(byte, this.#position + at);
    }
    this.#position += chunk.length;
  }

  end(): Counted {
    const isWellFormed = this.#isWellFormed && this.#hasEnded;
    return { records: this.#records, lines: this.#lines, longest: this.#longest, isWellFormed };
  }

  #inItem(byte: number): void {
    if (byte === QUOTE) this.#inText = true;
    else if (byte === OPEN_OBJECT || byte === OPEN_LIST) this.#depth += 1;
    else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) this.#depth -= 1;
  }

  #betweenItems(byte: number, position: number): void {
    if (isSpace(byte)) {
      if (this.#spaceFrom === -1) this.#spaceFrom = position;
      return;
    }
    if (this.#depth === 0) {
      if (position < 3 && MARK.has(byte)) return;
      if (this.#hasEnded || byte !== OPEN_LIST) this.#isWellFormed = false;
      this.#depth = 1;
      return;
    }
    if (byte === COMMA || byte === CLOSE_LIST) {
      this.#closeItem(byte === CLOSE_LIST, position);
      return;
    }
    if (this.#start === -1) this.#start = position;
    this.#spaceFrom = -1;
    this.#inItem(byte);
  }

  #closeItem(isLast: boolean, position: number): void {
    const isMissing = this.#start === -1;
    if (isMissing && (!isLast || this.#afterComma)) this.#isWellFormed = false;
    if (!isMissing) {
      this.#records += 1;
      const end = this.#spaceFrom === -1 ? position : this.#spaceFrom;
      this.#longest = Math.max(this.#longest, end - this.#start);
    }
    this.#spaceFrom = -1;
    this.#start = -1;
    this.#afterComma = !isLast;
    if (isLast) {
      this.#depth = 0;
      this.#hasEnded = true;
    }
  }
}
