import type { ColumnType } from './column-types.ts';
import { isObject } from './json-schema.ts';

/*
 * JSON.parse silently rounds integers beyond 2^53 and reads 1e400 as infinity. A record with such a number in a column is
 * rejected rather than stored inexactly. Unlisted fields aren't stored, so there it does no harm.
 */

const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/y;

/** Marks a number that can't be stored exactly. No record is likely to contain this text. */
const INEXACT = '\u0000a number that is not kept\u0000';
/** Marks a number, such as 1e20, that can be stored as a decimal but not as an integer. */
const LARGE = '\u0000a number that is not an integer to keep\u0000';

/** What a number that isn't stored exactly has: 16 digits, looked for from the first of them only, or an exponent. */
const SUSPECT = /(?<!\d)\d{16}|\d[eE]/;

/** The JSON pointers of listed numbers that JSON.parse can't represent exactly, such as `/rsvps/3/user_id`. */
export function inexactNumbers(text: string, type: ColumnType): string[] {
  if (!SUSPECT.test(text)) return [];
  const marked = markNumbers(text, markOf);
  if (marked === undefined) return [];
  const value: unknown = JSON.parse(marked);
  return [...placesIn(value, type, '')];
}

/**
 * A JSON text with some of its numbers replaced by strings.
 * @param markOf the string for a number as it is written; undefined if the number stays.
 * @returns undefined if all numbers stay.
 */
export function markNumbers(text: string, markOf: (token: string) => string | undefined): string | undefined {
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

/** The index of the closing quote of the string that opens at `start`. */
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
