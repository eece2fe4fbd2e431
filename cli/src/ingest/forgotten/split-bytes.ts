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
} from '../json-bytes.ts';
import type { ListLayout } from '../json-text.ts';

/** A piece of a file's unpacked bytes: a record, or what is between two records. All pieces together are the file. */
export interface Piece {
  readonly kind: 'record' | 'between';
  readonly bytes: Buffer;
}

/** Splits a file into its records and what is between them. Records need not be JSON: the caller parses them. */
export async function* splitBytes(path: string, layout: ListLayout): AsyncGenerator<Piece> {
  const { unpacked } = openUnpacked(path);
  const splitter = new Splitter(layout);
  for await (const chunk of unpacked) {
    if (chunk instanceof Uint8Array) yield* splitter.push(Buffer.from(chunk));
  }
  yield* splitter.end();
}

class Splitter {
  readonly #isArray: boolean;
  #kind: Piece['kind'] = 'between';
  /** Parts of the current piece in earlier chunks. */
  #begun: Buffer[] = [];
  /** How many lists and objects are open; those of a file that is an array include the array. */
  #depth = 0;
  #inText = false;
  #isEscaped = false;

  constructor(layout: ListLayout) {
    this.#isArray = layout === 'array';
  }

  *push(chunk: Buffer): Generator<Piece> {
    let start = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      const kind = this.#isArray ? this.#kindInArray(byte) : this.#kindInLines(byte);
      if (kind === this.#kind) continue;
      yield* this.#close(chunk.subarray(start, at));
      this.#kind = kind;
      start = at;
    }
    this.#begun.push(chunk.subarray(start));
  }

  *end(): Generator<Piece> {
    yield* this.#close(Buffer.alloc(0));
  }

  *#close(rest: Buffer): Generator<Piece> {
    const bytes = Buffer.concat([...this.#begun, rest]);
    this.#begun = [];
    if (bytes.length > 0) yield { kind: this.#kind, bytes };
  }

  /** A record is a line without the white space around it; white space inside it belongs to it. */
  #kindInLines(byte: number): Piece['kind'] {
    if (byte === NEWLINE) return 'between';
    return this.#kind === 'between' && isSpace(byte) ? 'between' : 'record';
  }

  #kindInArray(byte: number): Piece['kind'] {
    if (this.#inText) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === BACKSLASH) this.#isEscaped = true;
      else if (byte === QUOTE) this.#inText = false;
      return 'record';
    }
    if (this.#depth === 0) {
      if (byte === OPEN_LIST) this.#depth = 1;
      return 'between';
    }
    if (this.#depth === 1 && (byte === COMMA || byte === CLOSE_LIST || isSpace(byte))) {
      if (byte === CLOSE_LIST) this.#depth = 0;
      return 'between';
    }
    if (byte === QUOTE) this.#inText = true;
    else if (byte === OPEN_OBJECT || byte === OPEN_LIST) this.#depth += 1;
    else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) this.#depth -= 1;
    return 'record';
  }
}
