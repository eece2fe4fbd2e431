/** A piece of a statement. What quotes, comments and spaces hold is never looked into. */
export interface Token {
  readonly kind: 'word' | 'quoted' | 'string' | 'comment' | 'space' | 'symbol';
  readonly text: string;
}

/**
 * A word; an identifier in backquotes (a doubled one stands for itself); a string, in which a backslash takes the next
 * character with it unless the string is raw; a comment to the line's end, or between brackets (which nest); the rest.
 */
const PATTERNS: readonly (readonly [Token['kind'], RegExp])[] = [
  ['space', /\s+/y],
  ['comment', /--[^\n]*/y],
  ['string', /[rR](?:'[^']*'|"[^"]*")/y],
  ['string', /'(?:\\[\s\S]|[^'\\])*'|"(?:\\[\s\S]|[^"\\])*"/y],
  ['quoted', /`(?:``|[^`])*`/y],
  ['word', /[\p{L}\p{N}_$]+/uy],
];

/** Cuts a statement into tokens that, put together, are the statement again. */
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

/** Brackets nest in Spark; one that stays open takes the rest. */
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

/** What an identifier names, without its backquotes; undefined for what is none. */
export function nameOf(token: Token | undefined): string | undefined {
  if (token?.kind === 'word') return token.text;
  return token?.kind === 'quoted' ? token.text.slice(1, -1).replaceAll('``', '`') : undefined;
}

export const quoted = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

/** What a string says. Escapes are read as Spark reads them, save those of code points, which paths don't need. */
export function textOf(token: Token | undefined): string | undefined {
  if (token?.kind !== 'string') return undefined;
  if (/^[rR]/.test(token.text)) return token.text.slice(2, -1);
  return token.text.slice(1, -1).replaceAll(/\\([\s\S])/g, (_, character: string) => ESCAPES[character] ?? character);
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', 0: '\0', b: '\b', Z: '\x1a' };

/** A string that Spark reads as this text. */
export const literal = (text: string): string =>
  `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n').replaceAll('\r', '\\r')}'`;
