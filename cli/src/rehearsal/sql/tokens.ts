/** A token of a statement. Strings, quoted identifiers and comments are single tokens. */
export interface Token {
  readonly kind: 'word' | 'quoted' | 'string' | 'comment' | 'space' | 'symbol';
  readonly text: string;
}

/**
 * White space, line comments, raw strings (without escapes), strings with backslash escapes, identifiers in backquotes (doubled
 * to escape them), and words. Anything else is a symbol of one character.
 */
const PATTERNS: readonly (readonly [Token['kind'], RegExp])[] = [
  ['space', /\s+/y],
  ['comment', /--[^\n]*/y],
  ['string', /[rR](?:'[^']*'|"[^"]*")/y],
  ['string', /'(?:\\[\s\S]|[^'\\])*'|"(?:\\[\s\S]|[^"\\])*"/y],
  ['quoted', /`(?:``|[^`])*`/y],
  ['word', /[\p{L}\p{N}_$]+/uy],
];

/** Splits a statement into tokens whose concatenation is the statement. */
export function tokens(statement: string): Token[] {
  const found: Token[] = [];
  let at = 0;
  while (at < statement.length) {
    const token = tokenAt(statement, at);
    found.push(token);
    at += token.text.length;
  }
  return found;
}

function tokenAt(statement: string, at: number): Token {
  if (statement.startsWith('/*', at)) return { kind: 'comment', text: bracketedComment(statement, at) };
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = at;
    const text = pattern.exec(statement)?.[0];
    if (text !== undefined) return { kind, text };
  }
  return { kind: 'symbol', text: statement.slice(at, at + 1) };
}

/** Block comments nest in Spark; an unclosed one extends to the end. */
function bracketedComment(statement: string, start: number): string {
  const bracket = /\/\*|\*\//g;
  bracket.lastIndex = start;
  let open = 0;
  for (let found = bracket.exec(statement); found !== null; found = bracket.exec(statement)) {
    open += found[0] === '/*' ? 1 : -1;
    if (open === 0) return statement.slice(start, bracket.lastIndex);
  }
  return statement.slice(start);
}

export const isCode = ({ kind }: Token): boolean => kind !== 'space' && kind !== 'comment';

/** Whether a token is a keyword, which is given in capitals. */
export const isWord = (token: Token | undefined, word: string): boolean =>
  token?.kind === 'word' && token.text.toUpperCase() === word;

/** An identifier's name without backquotes; undefined for other tokens. */
export function nameOf(token: Token | undefined): string | undefined {
  if (token?.kind === 'word') return token.text;
  return token?.kind === 'quoted' ? token.text.slice(1, -1).replaceAll('``', '`') : undefined;
}

export const quoted = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

/** A string's value. Escapes are resolved as in Spark, except those of code points, which paths don't need. */
export function textOf(token: Token | undefined): string | undefined {
  if (token?.kind !== 'string') return undefined;
  if (/^[rR]/.test(token.text)) return token.text.slice(2, -1);
  return token.text.slice(1, -1).replaceAll(/\\([\s\S])/g, (_, character: string) => ESCAPES[character] ?? character);
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', 0: '\0', b: '\b', Z: '\x1a' };

/** A string literal that Spark reads as this text. */
export const literal = (text: string): string =>
  `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n').replaceAll('\r', '\\r')}'`;
