import { withoutKeys } from './keys.ts';
import { volumeStrings } from './path-strings.ts';
import { isCode, isWord, literal, nameOf, quoted, type Token, textOf } from './tokens.ts';

/** Databricks' name for Spark's spark_catalog. */
export const CATALOG = 'hive_metastore';
const SPARK_CATALOG = 'spark_catalog';

/** Whether a name is Databricks' or Spark's name for the only catalog. */
export const isCatalogName = (name: string): boolean => [CATALOG, SPARK_CATALOG].includes(name.toLowerCase());

/** Keywords after which an unqualified name may be a catalog, as in `show schemas in hive_metastore`. */
const BEFORE_A_CATALOG = new Set(['CATALOG', 'IN', 'FROM', 'USE']);

/** Databricks' session settings that have another name in Spark. */
const SETTINGS: Readonly<Record<string, string>> = {
  ansi_mode: 'spark.sql.ansi.enabled',
  timezone: 'spark.sql.session.timeZone',
  statement_timeout: 'spark.sql.thriftServer.queryTimeout',
};

export const sparkSetting = (name: string): string => SETTINGS[name.toLowerCase()] ?? name;

export interface Rewriting {
  /** Translates a path below /Volumes/ to a local one. @throws StatementError if it isn't valid. */
  volumePath(path: string): string;
}

/** Translates a statement from Databricks' SQL to Spark's: catalogs, volume paths, settings, keys. */
export function toSparkSql(statement: readonly Token[], { volumePath }: Rewriting): string {
  const all = withoutKeys(statement);
  const code = all.filter(isCode);
  const changed = new Map<Token, string>();
  code.forEach((token, i) => {
    const name = nameOf(token);
    if (name === undefined) return;
    if (isCatalogName(name) && isNewName(code, i)) {
      for (const left of code.slice(i, i + 2)) changed.set(left, '');
    } else if (name.toLowerCase() === CATALOG && isCatalog(code, i)) {
      changed.set(token, token.kind === 'word' ? SPARK_CATALOG : quoted(SPARK_CATALOG));
    } else if (token.kind === 'quoted' && name.startsWith('/Volumes/')) {
      changed.set(token, quoted(volumePath(name)));
    }
  });
  for (const token of volumeStrings(code)) changed.set(token, literal(volumePath(textOf(token) ?? '')));
  const [first, second, third] = code;
  if (isWord(first, 'SHOW') && isWord(second, 'CATALOGS')) return catalogs(code.slice(2));
  // Spark only supports `set catalog`.
  if (isWord(first, 'USE') && isWord(second, 'CATALOG') && first && third) changed.set(first, 'SET');
  if (isWord(first, 'SET') && second?.kind === 'word' && (third === undefined || third.text === '=')) {
    changed.set(second, sparkSetting(second.text));
  }
  return all.map((token) => changed.get(token) ?? token.text).join('');
}

/** Answers SHOW CATALOGS with Databricks' name for the only catalog. */
function catalogs(rest: readonly Token[]): string {
  const pattern = textOf(rest.find(({ kind }) => kind === 'string'));
  const filter = pattern === undefined ? '' : ` where catalog like ${literal(pattern.replaceAll('*', '%'))}`;
  return `select catalog from values (${literal(CATALOG)}) as t(catalog)${filter}`;
}

/** Whether a catalog begins the new name in `rename to catalog.schema.name`, where Spark takes it for another schema. */
const isNewName = (code: readonly Token[], i: number): boolean =>
  isWord(code[i - 2], 'RENAME') && isWord(code[i - 1], 'TO') && code[i + 1]?.text === '.' && code[i + 3]?.text === '.';

function isCatalog(code: readonly Token[], i: number): boolean {
  const before = code[i - 1];
  if (before?.text === '.') return false;
  return code[i + 1]?.text === '.' || (before?.kind === 'word' && BEFORE_A_CATALOG.has(before.text.toUpperCase()));
}
