import { notSupported, StatementError } from '../sql/errors.ts';
import { CATALOG } from '../sql/rewrite.ts';
import { isCode, nameOf, type Token, textOf } from '../sql/tokens.ts';

/** A statement about volumes or their files; Spark supports none of these. A name of one part is in the session's schema. */
export type VolumeStatement =
  | { readonly verb: 'PUT'; readonly localFile: string; readonly path: string; readonly overwrite: boolean }
  | { readonly verb: 'GET'; readonly localFile: string; readonly path: string }
  | { readonly verb: 'REMOVE'; readonly path: string }
  | { readonly verb: 'LIST'; readonly path: string }
  | { readonly verb: 'CREATE'; readonly name: readonly string[]; readonly lenient: boolean }
  | { readonly verb: 'DROP'; readonly name: readonly string[]; readonly lenient: boolean }
  | { readonly verb: 'DESCRIBE'; readonly name: readonly string[] }
  | { readonly verb: 'SHOW'; readonly schema: readonly string[]; readonly like: string | undefined };

/**
 * Parses a statement about volumes; undefined for any other.
 * @throws StatementError if it begins like one but is malformed.
 */
export function volumeStatement(statement: readonly Token[]): VolumeStatement | undefined {
  const code = statement.filter(isCode);
  if (code.at(-1)?.text === ';') code.pop();
  const word = (i: number): string => code[i]?.text.toUpperCase() ?? '';
  switch (word(0)) {
    case 'PUT':
      return put(code, word);
    case 'GET':
      if (code.length !== 4 || word(2) !== 'TO') throw syntax("GET '/Volumes/…' TO 'local file'");
      return { verb: 'GET', path: text(code[1]), localFile: text(code[3]) };
    case 'REMOVE':
      if (code.length !== 2) throw syntax("REMOVE '/Volumes/…'");
      return { verb: 'REMOVE', path: text(code[1]) };
    case 'LIST':
      if (code.length !== 2) throw syntax("LIST '/Volumes/…'");
      return { verb: 'LIST', path: text(code[1]) };
    case 'CREATE':
      if (word(1) === 'EXTERNAL' && word(2) === 'VOLUME') {
        throw notSupported('external volumes because it has no cloud storage: use CREATE VOLUME without EXTERNAL');
      }
      return word(1) === 'VOLUME' ? created(code, word) : undefined;
    case 'DESC':
    case 'DESCRIBE':
      return word(1) === 'VOLUME' ? described(code) : undefined;
    case 'SHOW':
      return word(1) === 'VOLUMES' ? shown(code, word) : undefined;
    case 'DROP':
      return word(1) === 'VOLUME' ? dropped(code, word) : undefined;
    default:
      return undefined;
  }
}

type Word = (i: number) => string;

function put(code: readonly Token[], word: Word): VolumeStatement {
  const overwrite = word(4) === 'OVERWRITE';
  if (word(2) !== 'INTO' || code.length !== (overwrite ? 5 : 4)) {
    throw syntax("PUT 'local file' INTO '/Volumes/…' [OVERWRITE]");
  }
  const localFile = text(code[1]);
  if (localFile === '') {
    throw new StatementError(
      '[EMPTY_LOCAL_FILE_IN_STAGING_ACCESS_QUERY] PUT has no local file: name one. SQLSTATE: 22023',
      '22023',
    );
  }
  return { verb: 'PUT', localFile, path: text(code[3]), overwrite };
}

function created(code: readonly Token[], word: Word): VolumeStatement {
  const lenient = word(2) === 'IF' && word(3) === 'NOT' && word(4) === 'EXISTS';
  const { name, rest } = nameAt(code.slice(lenient ? 5 : 2));
  const commented = rest.length === 2 && rest[0]?.text.toUpperCase() === 'COMMENT' && rest[1]?.kind === 'string';
  if (rest.length > 0 && !commented) throw syntax("CREATE VOLUME [IF NOT EXISTS] catalog.schema.volume [COMMENT '…']");
  return { verb: 'CREATE', name, lenient };
}

function dropped(code: readonly Token[], word: Word): VolumeStatement {
  const lenient = word(2) === 'IF' && word(3) === 'EXISTS';
  const { name, rest } = nameAt(code.slice(lenient ? 4 : 2));
  if (rest.length > 0) throw syntax('DROP VOLUME [IF EXISTS] catalog.schema.volume');
  return { verb: 'DROP', name, lenient };
}

function described(code: readonly Token[]): VolumeStatement {
  const { name, rest } = nameAt(code.slice(2));
  if (rest.length > 0) throw syntax('DESCRIBE VOLUME catalog.schema.volume');
  return { verb: 'DESCRIBE', name };
}

/** `SHOW VOLUMES [IN [catalog.]schema] [[LIKE] 'pattern']` */
function shown(code: readonly Token[], word: Word): VolumeStatement {
  const isIn = word(2) === 'IN' || word(2) === 'FROM';
  const { parts, rest } = isIn ? partsAt(code.slice(3)) : { parts: [], rest: code.slice(2) };
  const pattern = rest[0]?.text.toUpperCase() === 'LIKE' ? rest.slice(1) : rest;
  if (pattern.length > 1 || parts.length > 2 || (isIn && parts.length === 0)) {
    throw syntax("SHOW VOLUMES [IN catalog.schema] [LIKE 'pattern']");
  }
  return { verb: 'SHOW', schema: parts, like: pattern.length === 0 ? undefined : text(pattern[0]) };
}

/** A volume's name; with only two parts, it is in the catalog that has the tables, and with one in the session's schema. */
function nameAt(code: readonly Token[]): { name: string[]; rest: readonly Token[] } {
  const { parts, rest } = partsAt(code);
  if (parts.length === 2) return { name: [CATALOG, ...parts], rest };
  if (parts.length !== 1 && parts.length !== 3) throw syntax('a volume by its name, catalog.schema.volume');
  return { name: parts, rest };
}

/** The dotted name at the beginning of some tokens. */
function partsAt(code: readonly Token[]): { parts: string[]; rest: readonly Token[] } {
  const parts: string[] = [];
  for (let i = 0; ; i += 2) {
    const name = nameOf(code[i]);
    if (name === undefined) return { parts, rest: code.slice(i) };
    parts.push(name);
    if (code[i + 1]?.text !== '.') return { parts, rest: code.slice(i + 1) };
  }
}

function text(token: Token | undefined): string {
  const value = textOf(token);
  if (value === undefined) throw syntax("a path in quotes, '/Volumes/…'");
  return value;
}

const syntax = (wanted: string): StatementError =>
  new StatementError(`[PARSE_SYNTAX_ERROR] The rehearsal expects ${wanted}. SQLSTATE: 42601`, '42601');
