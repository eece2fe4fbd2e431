import type { Cell } from '../warehouse/warehouse.ts';
import { type SqlValues, WORD } from './sql-values.ts';

/** How a value is replaced. */
export type Kind = 'text' | 'key' | 'birth' | 'amount';

/** The replacement of a value, and the parts that were kept because the SQL names them. */
interface Replacement {
  readonly value: Cell;
  readonly named: readonly string[];
}

const INTEGER = /^-?\d+$/;
const MOMENT = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)?)?$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const HASH = /^[0-9a-f]{16,}$/i;
/** Longer texts are descriptions, which are replaced by one word. */
const MOST_WORDS = 8;
/** Invented words have two letters and a number, which is too short to contain a word of the data. */
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz';

/** Invented values by the original ones. All values to replace are collected first. */
export class Replacements {
  readonly #sql: SqlValues;
  readonly #numbers = new Set<bigint>();
  readonly #words = new Set<string>();
  readonly #births = new Set<string>();
  readonly #amounts = new Set<number>();
  #numberOf = new Map<bigint, bigint>();
  #rankOf = new Map<string, number>();
  #birthOf = new Map<string, string>();
  #amountOf = new Map<number, number>();
  #letters = 'aa';

  constructor(sql: SqlValues) {
    this.#sql = sql;
  }

  note(cell: Cell, kind: Kind): void {
    if (kind === 'birth') this.#births.add(String(cell));
    else if (kind === 'amount') this.#amounts.add(Number(cell));
    else if (kind === 'key' || INTEGER.test(String(cell))) this.#numbers.add(BigInt(String(cell)));
    else for (const word of wordsOf(String(cell))) this.#words.add(word);
  }

  /** Assigns the replacements in the same order as the originals, so that comparisons and rankings don't change. */
  settle(): void {
    const isNamed = (number: bigint): boolean => this.#sql.numbers.has((number < 0n ? -number : number).toString());
    const numbers = [...this.#numbers].filter((number) => number !== 0n && !isNamed(number)).sort(byValue);
    this.#numberOf = new Map([
      ...ranked(
        numbers.filter((number) => number > 0n),
        this.#sql,
      ),
    ]);
    const below = numbers.filter((number) => number < 0n).map((number) => -number);
    for (const [number, rank] of ranked(below.sort(byValue), this.#sql)) this.#numberOf.set(-number, -rank);
    this.#rankOf = new Map([...this.#words].sort(byText).map((word, at) => [word, at + 1]));
    this.#letters = unusedLetters(this.#words);
    const amounts = [...this.#amounts].sort((a, b) => a - b);
    this.#amountOf = new Map(amounts.map((amount, at) => [amount, at + 1]));
    const births = [...this.#births].sort(byText);
    this.#birthOf = new Map(births.map((birth, at) => [birth, `${dayAfter1970(at)}${birth.slice(10)}`]));
  }

  of(cell: Cell, kind: Kind): Replacement {
    const text = String(cell);
    if (kind === 'birth') return { value: this.#birthOf.get(text) ?? cell, named: [] };
    if (kind === 'amount') return this.#amount(cell, text);
    if (kind === 'key') return this.#number(cell, text);
    return this.#text(text);
  }

  #amount(cell: Cell, text: string): Replacement {
    const amount = this.#amountOf.get(Number(cell));
    if (amount === undefined || this.#sql.numbers.has(text.replace(/^-/, ''))) return { value: cell, named: [text] };
    return { value: typeof cell === 'string' ? String(amount) : amount, named: [] };
  }

  #number(cell: Cell, text: string): Replacement {
    const number = this.#numberOf.get(BigInt(text));
    if (number === undefined) return { value: cell, named: text === '0' ? [] : [text] };
    return { value: typeof cell === 'string' ? number.toString() : Number(number), named: [] };
  }

  #text(text: string): Replacement {
    if (this.#sql.texts.has(text)) return { value: text, named: [text] };
    if ([...text].length <= 2 && !/\d/.test(text)) return { value: text, named: [] };
    if (INTEGER.test(text)) return this.#number(text, text);
    if (MOMENT.test(text)) return { value: text, named: [] };
    const rank = this.#rankOf.get(text.toLowerCase()) ?? 0;
    if (UUID.test(text)) return { value: `00000000-0000-4000-8000-${rank.toString(16).padStart(12, '0')}`, named: [] };
    if (HASH.test(text)) return { value: rank.toString(16).padStart(text.length, '0'), named: [] };
    return this.#wordByWord(text);
  }

  /** Replaces word by word, so that SQL that splits or trims texts, or searches for punctuation, still works. */
  #wordByWord(text: string): Replacement {
    const named: string[] = [];
    const words = [...text.matchAll(WORD)].map(([word]) => word);
    const one = (word: string): string => {
      if (this.#sql.words.has(word.toLowerCase())) {
        named.push(word);
        return word;
      }
      return this.#word(word);
    };
    // Only punctuation: there is no word to replace.
    if (words.length === 0) return { value: text.trim() === '' ? text : this.#word(text), named };
    if (words.length <= MOST_WORDS) {
      const value = text.replaceAll(WORD, one);
      if (value !== text || this.#sql.holds(text)) return { value: safe(value), named };
      // All of its words are in the SQL, but the whole text isn't.
      const last = words.at(-1) ?? '';
      const at = text.lastIndexOf(last);
      return {
        value: safe(`${text.slice(0, at)}${this.#word(last)}${text.slice(at + last.length)}`),
        named: named.slice(0, -1),
      };
    }
    const spoken = words.filter((word) => this.#sql.words.has(word.toLowerCase()));
    return { value: safe([this.#word(text), ...new Set(spoken)].join(' ')), named: spoken };
  }

  #word(word: string): string {
    const width = String(this.#rankOf.size).length;
    const rank = this.#rankOf.get(word.toLowerCase()) ?? 0;
    if (/^\d+$/.test(word)) return String(rank);
    const token = `${this.#letters}${String(rank).padStart(width, '0')}`;
    if (word === word.toLowerCase()) return token;
    return word === word.toUpperCase() ? token.toUpperCase() : `${token[0]?.toUpperCase()}${token.slice(1)}`;
  }
}

/** Letters that, followed by a digit, don't begin any word of the data. */
function unusedLetters(words: ReadonlySet<string>): string {
  const taken = new Set([...words].filter((word) => /^[a-z]{2}\d/.test(word)).map((word) => word.slice(0, 2)));
  const pairs = [...ALPHABET].flatMap((first) => [...ALPHABET].map((second) => `${first}${second}`));
  return pairs.find((pair) => !taken.has(pair)) ?? 'aa';
}

/** The parts of a text that need a replacement: its words, or the text itself if it is replaced as a whole. */
function wordsOf(text: string): string[] {
  return [text.toLowerCase(), ...[...text.matchAll(WORD)].map(([word]) => word.toLowerCase())];
}

/** Counts from 1, but never past a number in the SQL, so that comparisons with it don't change. */
function* ranked(numbers: readonly bigint[], sql: SqlValues): Generator<[bigint, bigint]> {
  const said = [...sql.numbers].map(BigInt).sort(byValue);
  let last = 0n;
  for (const number of numbers) {
    const below = said.findLast((one) => one < number) ?? 0n;
    last = (last > below ? last : below) + 1n;
    yield [number, last];
  }
}

/** Avoids text that dbt would render as Jinja. */
const safe = (text: string): string => text.replaceAll(/\{(?=[{%#])/g, '{ ');

const byValue = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);
const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const dayAfter1970 = (days: number): string => new Date(days * 86_400_000).toISOString().slice(0, 10);
