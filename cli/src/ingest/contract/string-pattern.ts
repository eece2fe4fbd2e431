import type { SchemaObject } from './json-schema.ts';

/** One character of a JSON string, possibly escaped. */
const CHARACTER = '(?:[^"\\\\]|\\\\.)';

/** Any JSON string. DuckDB's parser has already validated its escapes. */
export const plainString = `"${CHARACTER}*"`;

/** The largest repetition count in a pattern. */
const MOST_COUNTED = 100;

/**
 * Patterns that match some of the strings that ajv-formats accepts and none that it rejects, without characters that JSON could
 * escape. Other formats are left to ajv.
 */
const FORMATS: ReadonlyMap<string, string> = new Map([
  ['uri', 'https?://[a-z0-9]+(?:[.-][a-z0-9]+)*(?:/[A-Za-z0-9_~.-]+)*/?'],
  ['date', dayPattern()],
  [
    'date-time',
    `${dayPattern()}[Tt](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]+)?(?:[Zz]|[-+](?:0[0-9]|1[0-2]):[0-5][0-9])`,
  ],
  ['uuid', '[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}'],
  ['email', '[a-z0-9]+(?:\\.[a-z0-9]+)*@[a-z0-9]+(?:\\.[a-z0-9]+)+'],
]);

/** Only days that every month has: 1 to 28. */
function dayPattern(): string {
  return '[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])';
}

/** A pattern for JSON strings that satisfy the schema; undefined if there is none. */
export function stringPattern(schema: SchemaObject): string | undefined {
  const least = typeof schema.minLength === 'number' ? schema.minLength : 0;
  const most = typeof schema.maxLength === 'number' ? schema.maxLength : undefined;
  const rules = [schema.pattern, schema.format].filter((rule) => rule !== undefined);
  if (rules.length === 0) return ofLength(least, most);
  if (rules.length > 1 || least > 0 || most !== undefined) return undefined;
  const inside =
    typeof schema.pattern === 'string' ? anchoredPattern(schema.pattern) : FORMATS.get(String(schema.format));
  return inside === undefined ? undefined : `"${inside}"`;
}

function ofLength(least: number, most: number | undefined): string | undefined {
  if (most === undefined && least === 0) return plainString;
  if (most === undefined && least === 1) return `"${CHARACTER}+"`;
  if (least > MOST_COUNTED || (most ?? 0) > MOST_COUNTED || (most !== undefined && most < least)) return undefined;
  // Escapes are excluded because one may be half a character (a surrogate).
  return `"[^"\\\\]{${least},${most ?? ''}}"`;
}

/** Syntax that means the same in JavaScript and RE2 and matches only characters that JSON never escapes. */
const ATOM =
  /^(?:[A-Za-z0-9 _@:,;=#%&<>~!'-]|\\[d.+*?()[\]{}|/]|\[-?(?:[a-z]-[a-z]|[A-Z]-[A-Z]|[0-9]-[0-9]|[A-Za-z0-9 _.@:,;=#%&+*~!]|\\d)+-?\]|\{\d{1,2}(?:,\d{0,2})?\}|[+*?])$/;
const TOKEN = /\(\?:|[()|]|\[[^\]]*\]|\{[^}]*\}|\\.|[\s\S]/g;

/** Translates an ECMAScript pattern that is anchored at both ends to RE2; undefined if the two might differ. */
function anchoredPattern(pattern: string): string | undefined {
  if (!pattern.startsWith('^') || !pattern.endsWith('$') || pattern.endsWith('\\$')) return undefined;
  const body = pattern.slice(1, -1);
  let depth = 0;
  for (const token of body.match(TOKEN) ?? []) {
    if (token === '(?:' || token === '(') depth += 1;
    else if (token === ')') depth -= 1;
    else if (token === '|' ? depth === 0 : !ATOM.test(token)) return undefined;
    if (depth < 0) return undefined;
  }
  return depth === 0 ? `(?:${body})` : undefined;
}
