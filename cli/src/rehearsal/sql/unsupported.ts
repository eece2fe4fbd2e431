import { notSupported, type StatementError } from './errors.ts';
import { isPlacedInVolume } from './path-strings.ts';
import { isCode, type Token } from './tokens.ts';

/** The first words of statements that Databricks supports but Spark with Delta doesn't. */
const BEGINNINGS: readonly (readonly [string, string])[] = [
  ['COPY INTO', 'COPY INTO: read the files with parquet.`/Volumes/…` in a query'],
  ['CREATE CATALOG', 'catalogs other than hive_metastore'],
  ['CREATE STREAMING', 'streaming tables'],
  ['CREATE OR REFRESH', 'streaming tables and materialized views'],
  ['CREATE MATERIALIZED', 'materialized views'],
  ['CREATE OR REPLACE MATERIALIZED', 'materialized views'],
  ['CREATE FOREIGN', 'foreign catalogs'],
  ['CREATE CONNECTION', 'connections'],
  ['CREATE SHARE', 'shares'],
  ['GRANT', 'permissions: everybody with its token may do everything'],
  ['REVOKE', 'permissions: everybody with its token may do everything'],
  ['DENY', 'permissions: everybody with its token may do everything'],
  ['SHOW GRANTS', 'permissions: everybody with its token may do everything'],
  ['UNDROP', 'UNDROP'],
];

const FUNCTIONS: Readonly<Record<string, string>> = {
  read_files: 'read_files(): read the files with parquet.`/Volumes/…`',
  ai_query: 'AI functions',
  http_request: 'http_request()',
};

/** The error for a statement that is known not to work in the rehearsal. All others are left to Spark. */
export function unsupported(statement: readonly Token[]): StatementError | undefined {
  const code = statement.filter(isCode);
  const beginning = code
    .slice(0, 4)
    .map(({ text }) => text.toUpperCase())
    .join(' ');
  const begun = BEGINNINGS.find(([words]) => beginning === words || beginning.startsWith(`${words} `));
  if (begun) return notSupported(begun[1]);
  if (isPlacedInVolume(code)) return notSupported("tables or schemas in volumes, and Databricks doesn't either");
  const call = code.find(
    ({ kind, text }, i) => kind === 'word' && text.toLowerCase() in FUNCTIONS && code[i + 1]?.text === '(',
  );
  const what = call && FUNCTIONS[call.text.toLowerCase()];
  return what === undefined ? undefined : notSupported(what);
}
