/** The literals of a statement: values that it compares with may stay in a fixture, because the SQL already shows them. */
export interface SqlValues {
  /** The quoted texts, unchanged. */
  readonly texts: ReadonlySet<string>;
  /** The words of these texts, in lower case. */
  readonly words: ReadonlySet<string>;
  readonly numbers: ReadonlySet<string>;
  /** Whether a text occurs in the statement, ignoring case. */
  holds(text: string): boolean;
}

/** Comments, texts, quoted names and numbers; the first match wins, so that none is found inside another. */
const TOKENS = /--[^\n]*|\/\*[\s\S]*?\*\/|'((?:[^']|'')*)'|"(?:[^"]|"")*"|(?<![\w.])(\d+)(?![\w.])/g;

/** A word, in any script. */
export const WORD = /[\p{L}\p{M}\p{N}_]+/gu;

export function valuesInSql(sql: string): SqlValues {
  const texts = new Set<string>();
  const words = new Set<string>();
  const numbers = new Set<string>();
  for (const [, text, number] of sql.matchAll(TOKENS)) {
    if (number !== undefined) numbers.add(BigInt(number).toString());
    if (text === undefined) continue;
    const plain = text.replaceAll("''", "'");
    texts.add(plain);
    for (const [word] of plain.matchAll(WORD)) words.add(word.toLowerCase());
  }
  const lower = sql.toLowerCase();
  return { texts, words, numbers, holds: (text) => lower.includes(text.toLowerCase()) };
}
