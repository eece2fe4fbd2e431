import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { messageOf } from '../config/errors.ts';

/** How a file holds its records; `nothing` is an empty file. */
export type JsonLayout = 'array' | 'newline_delimited' | 'nothing';

/** Where a file stops being JSON. */
export interface JsonFault {
  /** From 1, in the unpacked text. */
  readonly line: number;
  /** The record that it is in, from 0. */
  readonly record: number;
  readonly why: string;
}

const BOM = 0xfeff;
/** Bytes that are looked at, at once, for the last character. */
const TAIL = 4096;
const HALF_PAIR = /\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]/;

/** The unpacked text of a file, in pieces. Invalid UTF-8 throws a TypeError. */
async function* textOf(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const source = createReadStream(path, { highWaterMark: 1 << 20 });
  const bytes = path.endsWith('.gz') ? source.pipe(createGunzip()) : source;
  if (bytes !== source) source.on('error', (error) => bytes.destroy(error));
  for await (const chunk of bytes) yield decoder.decode(chunk, { stream: true });
  yield decoder.decode();
}

/** Looks at a file's beginning. */
export async function sniffLayout(path: string): Promise<{ layout: JsonLayout; hasByteOrderMark: boolean }> {
  let hasByteOrderMark = false;
  let first = true;
  for await (const text of textOf(path)) {
    if (first && text.charCodeAt(0) === BOM) hasByteOrderMark = true;
    if (text !== '') first = false;
    const start = text.replace('\ufeff', '').trimStart();
    if (start !== '') return { layout: start.startsWith('[') ? 'array' : 'newline_delimited', hasByteOrderMark };
  }
  return { layout: 'nothing', hasByteOrderMark };
}

/** Finds where a file that DuckDB can't read goes wrong. Slow, and only used when something has gone wrong. */
export async function locateFault(path: string, layout: JsonLayout): Promise<JsonFault> {
  const splitter = new RecordSplitter(layout === 'newline_delimited');
  try {
    for await (const text of textOf(path)) {
      const fault = splitter.push(text);
      if (fault !== undefined) return fault;
    }
  } catch (error) {
    return splitter.here(
      error instanceof TypeError ? 'the text is not UTF-8' : `it can't be unpacked (${messageOf(error)})`,
    );
  }
  return splitter.end();
}

/**
 * Whether an array's file ends with its closing bracket: DuckDB reads one that was cut off between two records without
 * a word.
 */
export async function endsLikeArray(path: string): Promise<boolean> {
  let last = '';
  if (path.endsWith('.gz')) {
    for await (const text of textOf(path)) last = text.trimEnd().slice(-1) || last;
    return last === ']';
  }
  const { size } = await stat(path);
  for (let end = size; end > 0 && last === ''; end -= TAIL) {
    const start = Math.max(0, end - TAIL);
    for await (const chunk of createReadStream(path, { start, end: end - 1, encoding: 'latin1' })) {
      last = String(chunk).trimEnd().slice(-1) || last;
    }
  }
  return last === ']';
}

/** Cuts a text into records and parses each. */
class RecordSplitter {
  readonly #byLine: boolean;
  #line = 1;
  #record = 0;
  #started = false;
  #ended = false;
  #depth = 0;
  #inText = false;
  #escaped = false;
  #text = '';
  #textLine = 1;

  constructor(byLine: boolean) {
    this.#byLine = byLine;
  }

  push(piece: string): JsonFault | undefined {
    for (const character of piece) {
      const fault = this.#byLine ? this.#lineCharacter(character) : this.#arrayCharacter(character);
      if (fault !== undefined) return fault;
      if (character === '\n') this.#line += 1;
    }
    return undefined;
  }

  here(why: string): JsonFault {
    return { line: this.#line, record: this.#record, why };
  }

  end(): JsonFault {
    if (this.#byLine) return this.#close() ?? this.here("DuckDB can't read it");
    return this.here(
      this.#ended ? "DuckDB can't read it" : 'the file ends in the middle of the array, so it is truncated',
    );
  }

  #lineCharacter(character: string): JsonFault | undefined {
    if (character === '\n') return this.#close();
    this.#text += character;
    return undefined;
  }

  #arrayCharacter(character: string): JsonFault | undefined {
    if (!this.#inText && this.#depth <= 1 && /\s|\ufeff/.test(character) && this.#text === '') return undefined;
    if (this.#ended) return this.here(`something follows the array: '${character}'`);
    if (!this.#started) {
      this.#started = true;
      this.#depth = 1;
      return undefined;
    }
    const closes = !this.#inText && this.#depth === 1;
    if (closes && (character === ',' || character === ']')) {
      if (character === ']') this.#ended = true;
      if (character === ']' && this.#text === '' && this.#record === 0) return undefined;
      return this.#close();
    }
    if (this.#text === '') this.#textLine = this.#line;
    this.#text += character;
    this.#track(character);
    return undefined;
  }

  #track(character: string): void {
    if (this.#inText) {
      if (this.#escaped) this.#escaped = false;
      else if (character === '\\') this.#escaped = true;
      else if (character === '"') this.#inText = false;
    } else if (character === '"') this.#inText = true;
    else if (character === '{' || character === '[') this.#depth += 1;
    else if (character === '}' || character === ']') this.#depth -= 1;
  }

  #close(): JsonFault | undefined {
    const text = this.#text.trim();
    this.#text = '';
    if (this.#byLine && text === '') return undefined;
    try {
      JSON.parse(text);
    } catch (error) {
      const why = text === '' ? 'a record is missing between two commas, or after the last one' : messageOf(error);
      return { line: this.#byLine ? this.#line : this.#textLine, record: this.#record, why };
    }
    if (HALF_PAIR.test(text))
      return { line: this.#textLine, record: this.#record, why: 'half of a surrogate pair is no character' };
    this.#record += 1;
    return undefined;
  }
}
