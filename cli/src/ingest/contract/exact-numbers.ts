import type { ColumnType } from './column-types.ts';
import { isObject } from './json-schema.ts';

/*
 * JSON.parse rounds an integer beyond 2^53 to its neighbour, and takes 1e400 for infinity, without an error. Such a number is never
 * kept: a record that has one where a column would hold it is rejected. In unlisted fields it does no harm.
 */

const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/y;

/** Stands for a number that can't be kept. No text of a record is likely to be this one. */
const INEXACT = '\u0000a number that is not kept\u0000';
/** Stands for a decimal number, such as 1e20, that is no integer to keep. */
const LARGE = '\u0000a number that is not an integer to keep\u0000';

/** The places of listed numbers that JSON.parse can't keep as they are written, such as `/rsvps/3/user_id`. */
export function inexactNumbers(text: string, type: ColumnType): string[] {
  if (!/\d{16}|\d[eE]/.test(text)) return [];
  const marked = markNumbers(text);
  if (marked === undefined) return [];
  const value: unknown = JSON.parse(marked);
  return [...placesIn(value, type, '')];
}

/** The text with marks in the place of numbers that can't be kept; undefined if there are none. */
function markNumbers(text: string): string | undefined {
  const pieces: string[] = [];
  let copied = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (character === '"') at = endOfString(text, at);
    else if (character === '-' || (character >= '0' && character <= '9')) {
      NUMBER.lastIndex = at;
      const token = NUMBER.exec(text)?.[0] ?? character;
      const mark = markOf(token);
      if (mark !== undefined) {
        pieces.push(text.slice(copied, at), JSON.stringify(mark));
        copied = at + token.length;
      }
      at += token.length - 1;
    }
  }
  return pieces.length === 0 ? undefined : pieces.join('') + text.slice(copied);
}

/** Where the string that begins at a quote ends. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charAt(end - 1 - slashes) === '\\') slashes += 1;
    if (slashes % 2 === 0) return end;
  }
  return text.length;
}

function markOf(token: string): string | undefined {
  const number = Number(token);
  if (!Number.isFinite(number)) return INEXACT;
  if (!Number.isInteger(number) || Number.isSafeInteger(number)) return undefined;
  return /^-?\d+$/.test(token) && String(number) !== token ? INEXACT : LARGE;
}

const isInteger = (type: ColumnType): boolean => type.kind === 'scalar' && type.sql === 'BIGINT';

function* placesIn(value: unknown, type: ColumnType, path: string): Generator<string> {
  if (value === INEXACT || (value === LARGE && isInteger(type))) yield path || '/';
  else if (Array.isArray(value)) {
    const item: ColumnType = type.kind === 'list' ? type.item : type;
    for (const [index, one] of value.entries()) yield* placesIn(one, item, `${path}/${index}`);
  } else if (isObject(value)) {
    const fields = type.kind === 'struct' ? new Map(type.fields) : undefined;
    for (const [key, one] of Object.entries(value)) {
      const inner = fields === undefined ? type : fields.get(key);
      if (inner !== undefined)
        yield* placesIn(one, inner, `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`);
    }
  }
}
