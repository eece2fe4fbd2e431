import { markNumbers } from '../../ingest/contract/exact-numbers.ts';
import type { RawRecord } from '../../ingest/lines.ts';

/** The prefix of strings that replace numbers which JSON.parse would change: `10.0` isn't meant as an integer. */
export const DECIMAL = '\u0000decimal ';

/** Numbers that JSON.parse may change: long ones, those with an exponent, and those that end in `.0`. */
const UNUSUAL = /\d{16}|\d[eE]|\.0+(?!\d)/;

/** A record's value with numbers that JSON.parse would change replaced by strings that begin with {@link DECIMAL}. */
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
