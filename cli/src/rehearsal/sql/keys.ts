import { isCode, isWord, nameOf, type Token, tokens } from './tokens.ts';

/**
 * Takes primary and foreign keys out of a statement: Spark can't parse them. On Databricks they are informational, so nothing that
 * a query returns changes; the rehearsal doesn't keep them. The columns of a primary key that a table is created with are NOT NULL.
 * https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-syntax-ddl-create-table-constraint
 */
export function withoutKeys(statement: readonly Token[]): readonly Token[] {
  if (!statement.some((token) => isWord(token, 'KEY') || isWord(token, 'REFERENCES'))) return statement;
  const changed = withoutKeysIn(statement);
  return changed === undefined ? statement : tokens(changed);
}

function withoutKeysIn(all: readonly Token[]): string | undefined {
  const code = all.filter(isCode);
  const word = wordsOf(code);
  if (word(0) === 'ALTER' && word(1) === 'TABLE') return alteredKeys(code, word);
  const start = columnsOf(code, word);
  return start === undefined ? undefined : withoutKeysOfTable(all, code, start);
}

type Word = (i: number) => string;

const wordsOf =
  (code: readonly Token[]): Word =>
  (i) =>
    code[i]?.kind === 'word' || code[i]?.kind === 'symbol' ? code[i].text.toUpperCase() : '';

/** What ALTER TABLE needs of the table: a query that fails as the statement would, if the table or a column doesn't exist. */
function alteredKeys(code: readonly Token[], word: Word): string | undefined {
  const end = endOfName(code, 2);
  const table = code.slice(2, end).map(({ text }) => text);
  const at = word(end + 1) === 'CONSTRAINT' ? end + 3 : end + 1;
  if (word(end) === 'ADD' && isKey(word, at)) {
    const { names } = listAt(code, at + 2);
    return `select ${names.join(', ')} from ${table.join('')} where false`;
  }
  if (word(end) === 'DROP' && isKey(word, end + 1)) return `select * from ${table.join('')} where false`;
  return undefined;
}

const isKey = (word: Word, at: number): boolean => ['PRIMARY', 'FOREIGN'].includes(word(at)) && word(at + 1) === 'KEY';

/** The index of the parenthesis that opens the columns of CREATE TABLE; undefined for other statements. */
function columnsOf(code: readonly Token[], word: Word): number | undefined {
  let at = 1;
  if (word(0) !== 'CREATE') return undefined;
  if (word(at) === 'OR' && word(at + 1) === 'REPLACE') at += 2;
  if (word(at) === 'EXTERNAL') at += 1;
  if (word(at) !== 'TABLE') return undefined;
  at += 1;
  if (word(at) === 'IF') at += 3;
  const end = endOfName(code, at);
  return word(end) === '(' ? end : undefined;
}

/** @returns undefined if there is no key. */
function withoutKeysOfTable(all: readonly Token[], code: readonly Token[], start: number): string | undefined {
  const { items, end } = itemsAt(code, start);
  const kept: string[] = [];
  const required = new Set<string>();
  let found = false;
  const columns = items.flatMap((item) => {
    const word = wordsOf(item);
    const at = word(0) === 'CONSTRAINT' ? 2 : 0;
    if (!isKey(word, at)) return [item];
    found = true;
    if (word(at) === 'PRIMARY') for (const name of listAt(item, at + 2).names) required.add(plain(name));
    return [];
  });
  for (const column of columns) {
    const { rest, isPrimary, changed } = withoutKeysOfColumn(column);
    found ||= changed;
    const needs = (isPrimary || required.has(plain(column[0]?.text ?? ''))) && !saysNotNull(rest);
    kept.push(`${textBetween(all, rest)}${needs ? ' NOT NULL' : ''}`);
  }
  if (!found) return undefined;
  const [before, after] = [code.slice(0, start + 1), code.slice(end)];
  return `${textBetween(all, before)}${kept.join(', ')}${textBetween(all, after)}`;
}

/** Spark compares names without regard to case, and with or without backquotes. */
const plain = (name: string): string => (name.startsWith('`') ? name.slice(1, -1) : name).toLowerCase();

const saysNotNull = (column: readonly Token[]): boolean => {
  const word = wordsOf(column);
  return column.some((_, i) => word(i) === 'NOT' && word(i + 1) === 'NULL');
};

/** A column's definition without `[CONSTRAINT name] PRIMARY KEY` and `[CONSTRAINT name] [FOREIGN KEY] REFERENCES table (columns)`. */
function withoutKeysOfColumn(column: readonly Token[]): { rest: Token[]; isPrimary: boolean; changed: boolean } {
  const word = wordsOf(column);
  const rest: Token[] = [];
  let isPrimary = false;
  for (let i = 0; i < column.length; ) {
    // The first token is the column's name, which can be any word.
    const at = i > 0 && word(i) === 'CONSTRAINT' ? i + 2 : i;
    const refers =
      word(at) === 'REFERENCES' ? at : isKey(word, at) && word(at + 2) === 'REFERENCES' ? at + 2 : undefined;
    if (i > 0 && (refers !== undefined || (word(at) === 'PRIMARY' && word(at + 1) === 'KEY'))) {
      isPrimary ||= refers === undefined;
      i = endOfOptions(column, word, refers === undefined ? at + 2 : endOfReference(column, word, refers));
    } else {
      rest.push(...column.slice(i, i + 1));
      i += 1;
    }
  }
  return { rest, isPrimary, changed: rest.length < column.length };
}

function endOfReference(code: readonly Token[], word: Word, at: number): number {
  const end = endOfName(code, at + 1);
  return word(end) === '(' ? listAt(code, end).end : end;
}

/** Behind what may follow a key, such as `NOT ENFORCED` and `RELY`. */
function endOfOptions(code: readonly Token[], word: Word, start: number): number {
  const options = [
    ['NOT', 'ENFORCED'],
    ['INITIALLY', 'DEFERRED'],
    ['ON', 'UPDATE', 'NO', 'ACTION'],
    ['ON', 'DELETE', 'NO', 'ACTION'],
    ['MATCH', 'FULL'],
    ['DEFERRABLE'],
    ['NORELY'],
    ['RELY'],
  ];
  let at = start;
  while (at < code.length) {
    const option = options.find((words) => words.every((text, i) => word(at + i) === text));
    if (option === undefined) return at;
    at += option.length;
  }
  return at;
}

/** Behind a name of one or more parts that begins at an index. */
function endOfName(code: readonly Token[], at: number): number {
  let end = at + 1;
  while (code[end]?.text === '.') end += 2;
  return end;
}

/** The names in parentheses that open at an index, without words such as TIMESERIES behind them, and the index behind these. */
function listAt(code: readonly Token[], at: number): { names: string[]; end: number } {
  const { items, end } = itemsAt(code, at);
  return { names: items.flatMap(([first]) => (nameOf(first) === undefined ? [] : [first?.text ?? ''])), end: end + 1 };
}

/** What stands between the parentheses that open at an index, by its commas, and the index of the closing one. */
function itemsAt(code: readonly Token[], start: number): { items: Token[][]; end: number } {
  const items: Token[][] = [[]];
  let depth = 0;
  for (let i = start; i < code.length; i += 1) {
    const token = code[i];
    if (token === undefined) break;
    // `array<map<a, b>>` has commas too.
    if (token.text === '(' || token.text === '<') depth += 1;
    if (token.text === ')' || token.text === '>') depth -= 1;
    if (depth === 0) return { items: items.filter((item) => item.length > 0), end: i };
    if (token.text === ',' && depth === 1) items.push([]);
    else if (i > start) items.at(-1)?.push(token);
  }
  return { items: [], end: code.length };
}

/** The text of some tokens of a statement, with the spaces between the first and the last of them. */
function textBetween(all: readonly Token[], some: readonly Token[]): string {
  const wanted = new Set(some);
  const first = all.findIndex((token) => wanted.has(token));
  const last = all.findLastIndex((token) => wanted.has(token));
  return all
    .slice(first, last + 1)
    .filter((token) => wanted.has(token) || token.kind === 'space')
    .map(({ text }) => text)
    .join('');
}
