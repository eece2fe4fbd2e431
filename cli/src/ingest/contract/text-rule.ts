import type { SchemaObject } from './json-schema.ts';

/** What a text has to be: of some length (in characters), or what an expression matches whole. */
export type TextRule =
  | { readonly kind: 'length'; readonly least: number; readonly most: number | undefined }
  /** It means the same in JavaScript and RE2, and matches only characters that JSON never escapes. */
  | { readonly kind: 'expression'; readonly inside: string };

/**
 * Expressions that match some of the texts that ajv-formats accepts and none that it rejects. Other formats are left to the schema
 * itself.
 */
const FORMATS: ReadonlyMap<string, string> = new Map([
  ['uri', 'https?://[a-z0-9]+(?:[.-][a-z0-9]+)*(?:/[A-Za-z0-9_~.-]+)*/?'],
  ['date', dayExpression()],
  [
    'date-time',
    `${dayExpression()}[Tt](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]+)?(?:[Zz]|[-+](?:0[0-9]|1[0-2]):[0-5][0-9])`,
  ],
  ['uuid', '[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}'],
  ['email', '[a-z0-9]+(?:\\.[a-z0-9]+)*@[a-z0-9]+(?:\\.[a-z0-9]+)+'],
]);

/** Only days that every month has: 1 to 28. */
function dayExpression(): string {
  return '[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])';
}

/** The rule for texts that satisfy the schema; undefined if there is none. */
export function textRule(schema: SchemaObject): TextRule | undefined {
  const least = typeof schema.minLength === 'number' ? schema.minLength : 0;
  const most = typeof schema.maxLength === 'number' ? schema.maxLength : undefined;
  const rules = [schema.pattern, schema.format].filter((rule) => rule !== undefined);
  if (rules.length === 0) return { kind: 'length', least, most };
  if (rules.length > 1 || least > 0 || most !== undefined) return undefined;
  const inside =
    typeof schema.pattern === 'string' ? anchoredExpression(schema.pattern) : FORMATS.get(String(schema.format));
  return inside === undefined ? undefined : { kind: 'expression', inside };
}

/** Syntax that means the same in JavaScript and RE2 and matches only characters that JSON never escapes. */
const ATOM =
  /^(?:[A-Za-z0-9 _@:,;=#%&<>~!'-]|\\[d.+*?()[\]{}|/]|\[-?(?:[a-z]-[a-z]|[A-Z]-[A-Z]|[0-9]-[0-9]|[A-Za-z0-9 _.@:,;=#%&+*~!]|\\d)+-?\]|\{\d{1,2}(?:,\d{0,2})?\}|[+*?])$/;
const TOKEN = /\(\?:|[()|]|\[[^\]]*\]|\{[^}]*\}|\\.|[\s\S]/g;

/** Translates an ECMAScript pattern that is anchored at both ends to RE2; undefined if the two might differ. */
function anchoredExpression(pattern: string): string | undefined {
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
