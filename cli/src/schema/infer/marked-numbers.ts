import { markNumbers } from '../../ingest/contract/exact-numbers.ts';
import type { RawRecord } from '../../ingest/lines.ts';

/** Begins the string that stands for a number which is not what JSON.parse makes of it: `10.0` is no integer to whoever wrote it. */
export const DECIMAL = '\u0000decimal ';

/** Numbers worth a second look: long ones, those with an exponent, and those that end in `.0`. */
const UNUSUAL = /\d{16}|\d[eE]|\.0+(?!\d)/;

/** A record's value, in which numbers that JSON.parse would change are strings that begin with {@link DECIMAL}. */
export function markedValue({ text, value }: RawRecord & { readonly value: unknown }): unknown {
  if (!UNUSUAL.test(text)) return value;
  const marked = markNumbers(text, markOf);
  return marked === undefined ? value : JSON.parse(marked);
}

function markOf(token: string): string | undefined {
  const number = Number(token);
  const isWhole = /^-?\d+$/.test(token);
  const changes = isWhole ? !Number.isSafeInteger(number) : !Number.isFinite(number) || Number.isInteger(number);
  return changes ? `${DECIMAL}${token}` : undefined;
}
