import type { TextRule } from './text-rule.ts';

/** One character of a JSON string, possibly escaped. */
const CHARACTER = '(?:[^"\\\\]|\\\\.)';

/** Any JSON string. DuckDB's parser has already validated its escapes. */
export const plainString = `"${CHARACTER}*"`;

/** The largest repetition count in a pattern. */
const MOST_COUNTED = 100;

/** A pattern for JSON strings that satisfy the rule; undefined if there is none. */
export function stringPattern(rule: TextRule): string | undefined {
  return rule.kind === 'expression' ? `"${rule.inside}"` : ofLength(rule.least, rule.most);
}

function ofLength(least: number, most: number | undefined): string | undefined {
  if (most === undefined && least === 0) return plainString;
  if (most === undefined && least === 1) return `"${CHARACTER}+"`;
  if (least > MOST_COUNTED || (most ?? 0) > MOST_COUNTED || (most !== undefined && most < least)) return undefined;
  // Escapes are excluded because one may be half a character (a surrogate).
  return `"[^"\\\\]{${least},${most ?? ''}}"`;
}
