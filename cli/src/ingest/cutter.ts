import { messageOf } from '../config/errors.ts';
import { type ListLayout, textOf } from './json-text.ts';
import type { RawRecord } from './lines.ts';

/** The position at which a file stops being JSON. */
export class JsonFaultError extends Error {
  /** Line number in the decompressed text, from 1. */
  readonly line: number;
  /** Index of the record that contains the fault, from 0. */
  readonly record: number;

  constructor(line: number, record: number, why: string, cause?: unknown) {
    super(why, cause === undefined ? undefined : { cause });
    this.name = 'JsonFaultError';
    this.line = line;
    this.record = record;
  }
}

/** A record with its parsed value. */
export interface ParsedRecord extends RawRecord {
  readonly value: unknown;
}

/** The most records, and characters of text, that are yielded at once. */
const PORTION = { records: 2000, text: 8_000_000 };

/**
 * Splits a file into records without DuckDB and parses each: slow but reliable. It is used when DuckDB's readers fail, and to
 * find where a file stops being JSON.
 * @throws JsonFaultError if the file is not JSON.
 */
export async function* cutByHand(path: string, layout: ListLayout): AsyncGenerator<readonly ParsedRecord[]> {
  const cutter = layout === 'array' ? new ArrayCutter() : new LineCutter();
  let portion: ParsedRecord[] = [];
  let length = 0;
  for await (const text of textsOf(path, cutter)) {
    for (const record of text === undefined ? cutter.end() : cutter.push(text)) {
      portion.push(record);
      length += record.text.length;
      if (portion.length < PORTION.records && length < PORTION.text) continue;
      yield portion;
      portion = [];
      length = 0;
    }
  }
  if (portion.length > 0) yield portion;
}

/** Yields the file's text in chunks, then undefined at its end. */
async function* textsOf(path: string, cutter: Cutter): AsyncGenerator<string | undefined> {
  try {
    yield* textOf(path);
  } catch (error) {
    const why = error instanceof TypeError ? 'the text is not UTF-8' : `it can't be unpacked (${messageOf(error)})`;
    throw new JsonFaultError(cutter.line, cutter.index, why, error);
  }
  yield undefined;
}

interface Cutter {
  readonly line: number;
  readonly index: number;
  push(piece: string): Iterable<ParsedRecord>;
  end(): Iterable<ParsedRecord>;
}

const HALF_PAIR = /\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]/;

function parseRecord(text: string, line: number, index: number): ParsedRecord {
  if (text === '') throw new JsonFaultError(line, index, 'a record is missing next to a comma');
  if (HALF_PAIR.test(text)) throw new JsonFaultError(line, index, 'half of a surrogate pair is not a character');
  try {
    const value: unknown = JSON.parse(text);
    return { index, text, value };
  } catch (error) {
    // Some of V8's messages quote the text, which may be personal data.
    throw new JsonFaultError(line, index, messageOf(error).replace(/, .* is not valid JSON$/s, ''));
  }
}

class LineCutter implements Cutter {
  line = 1;
  index = 0;
  #rest: string[] = [];

  *push(piece: string): Generator<ParsedRecord> {
    let start = 0;
    for (let end = piece.indexOf('\n'); end !== -1; end = piece.indexOf('\n', start)) {
      this.#rest.push(piece.slice(start, end));
      yield* this.#close();
      this.line += 1;
      start = end + 1;
    }
    this.#rest.push(piece.slice(start));
  }

  *end(): Generator<ParsedRecord> {
    yield* this.#close();
  }

  *#close(): Generator<ParsedRecord> {
    const text = this.#rest.join('').trim();
    this.#rest = [];
    if (text === '') return;
    yield parseRecord(text, this.line, this.index);
    this.index += 1;
  }
}

class ArrayCutter implements Cutter {
  line = 1;
  index = 0;
  #depth = 0;
  #inText = false;
  #isEscaped = false;
  #hasEnded = false;
  #afterComma = false;
  /** Chunks of the current record; undefined between records. */
  #begun: string[] | undefined;
  #begunAtLine = 1;

  *push(piece: string): Generator<ParsedRecord> {
    let start = 0;
    for (let at = 0; at < piece.length; at += 1) {
      const character = piece.charAt(at);
      if (character === '\n') this.line += 1;
      if (this.#inText) this.#skipText(character);
      else if (this.#depth > 1) this.#track(character);
      else if (this.#depth === 0) this.#outside(character);
      else if (character === ',' || character === ']') {
        yield* this.#close(piece.slice(start, at), character === ']');
      } else if (!/\s/.test(character)) {
        if (this.#begun === undefined) {
          this.#begun = [];
          this.#begunAtLine = this.line;
          start = at;
        }
        this.#track(character);
      }
    }
    this.#begun?.push(piece.slice(start));
  }

  end(): ParsedRecord[] {
    if (this.#hasEnded) return [];
    throw new JsonFaultError(this.line, this.index, 'the file ends in the middle of the array, so it is truncated');
  }

  #outside(character: string): void {
    if (/[\s\ufeff]/.test(character)) return;
    if (this.#hasEnded) {
      throw new JsonFaultError(this.line, this.index, `something follows the array: '${character}'`);
    }
    this.#depth = 1;
  }

  *#close(rest: string, isLast: boolean): Generator<ParsedRecord> {
    const begun = this.#begun;
    this.#begun = undefined;
    if (begun !== undefined || !isLast || this.#afterComma) {
      const text = begun === undefined ? '' : [...begun, rest].join('').trim();
      yield parseRecord(text, begun === undefined ? this.line : this.#begunAtLine, this.index);
      this.index += 1;
    }
    this.#afterComma = !isLast;
    if (!isLast) return;
    this.#depth = 0;
    this.#hasEnded = true;
  }

  #skipText(character: string): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (character === '\\') this.#isEscaped = true;
    else if (character === '"') this.#inText = false;
  }

  #track(character: string): void {
    if (character === '"') this.#inText = true;
    else if (character === '{' || character === '[') this.#depth += 1;
    else if (character === '}' || character === ']') this.#depth -= 1;
  }
}
