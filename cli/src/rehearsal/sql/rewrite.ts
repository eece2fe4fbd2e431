import { isCode, literal, nameOf, quoted, type Token, textOf, tokens } from './tokens.ts';

/** What Databricks calls the catalog that Spark calls spark_catalog. */
export const CATALOG = 'hive_metastore';
const SPARK_CATALOG = 'spark_catalog';

/** Whether a name is one of the two that the only catalog has: Databricks' and Spark's. */
export const isCatalogName = (name: string): boolean => [CATALOG, SPARK_CATALOG].includes(name.toLowerCase());

/** Words after which a name that stands alone is a catalog's, as in `show schemas in hive_metastore`. */
const BEFORE_A_CATALOG = new Set(['CATALOG', 'IN', 'FROM', 'USE']);

/** Databricks' session settings that Spark has under another name. */
const SETTINGS: Readonly<Record<string, string>> = {
  ansi_mode: 'spark.sql.ansi.enabled',
  timezone: 'spark.sql.session.timeZone',
  statement_timeout: 'spark.sql.thriftServer.queryTimeout',
};

export const sparkSetting = (name: string): string => SETTINGS[name.toLowerCase()] ?? name;

export interface Rewriting {
  /** Turns a path below /Volumes/ into a local one. @throws StatementError if there is none. */
  volumePath(path: string): string;
}

/** Says in Spark's SQL what a statement says in Databricks': catalogs, paths of volumes, settings. */
export function toSparkSql(statement: string, { volumePath }: Rewriting): string {
  const all = tokens(statement);
  const code = all.filter(isCode);
  const changed = new Map<Token, string>();
  code.forEach((token, i) => {
    const name = nameOf(token);
    if (name === undefined) return;
    if (name.toLowerCase() === CATALOG && isCatalog(code, i)) {
      changed.set(token, token.kind === 'word' ? SPARK_CATALOG : quoted(SPARK_CATALOG));
    } else if (token.kind === 'quoted' && name.startsWith('/Volumes/')) {
      changed.set(token, quoted(volumePath(name)));
    }
  });
  const [first, second, third] = code;
  if (isWord(first, 'SHOW') && isWord(second, 'CATALOGS')) return catalogs(code.slice(2));
  // Spark has `set catalog` only.
  if (isWord(first, 'USE') && isWord(second, 'CATALOG') && first && third) changed.set(first, 'SET');
  if (isWord(first, 'SET') && second?.kind === 'word' && third?.text === '=') {
    changed.set(second, sparkSetting(second.text));
  }
  return all.map((token) => changed.get(token) ?? token.text).join('');
}

/** Spark knows its only catalog by another name. */
function catalogs(rest: readonly Token[]): string {
  const pattern = textOf(rest.find(({ kind }) => kind === 'string'));
  const filter = pattern === undefined ? '' : ` where catalog like ${literal(pattern.replaceAll('*', '%'))}`;
  return `select catalog from values (${literal(CATALOG)}) as t(catalog)${filter}`;
}

export const isWord = (token: Token | undefined, word: string): boolean =>
  token?.kind === 'word' && token.text.toUpperCase() === word;

function isCatalog(code: readonly Token[], i: number): boolean {
  const before = code[i - 1];
  if (before?.text === '.') return false;
  return code[i + 1]?.text === '.' || (before?.kind === 'word' && BEFORE_A_CATALOG.has(before.text.toUpperCase()));
}
