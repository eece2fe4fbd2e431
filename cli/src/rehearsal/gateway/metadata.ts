import { CATALOG, isCatalogName } from '../sql/rewrite.ts';
import { literal } from '../sql/tokens.ts';
import type { Struct } from '../thrift/struct.ts';

/** The columns of an answer: SQL expressions by name. */
type Columns = Readonly<Record<string, string>>;

const NO_TEXT = 'cast(null as string)';
const NO_INT = 'cast(null as int)';
const NO_SMALLINT = 'cast(null as smallint)';

/** The queries that answer metadata calls. */
const QUESTIONS: Readonly<Record<string, (request: Struct) => string>> = {
  GetCatalogs: () => `select ${literal(CATALOG)} as TABLE_CAT`,
  GetTableTypes: () => `select * from values ('TABLE'), ('VIEW') as t(TABLE_TYPE)`,
  GetSchemas: (request) =>
    query({
      from: `meetup_schemas(${pattern(request, 3)})`,
      columns: { TABLE_SCHEM: 'schema_name', TABLE_CATALOG: literal(CATALOG) },
      where: inCatalog(request),
      order: 'TABLE_SCHEM',
    }),
  GetTables: (request) =>
    query({
      from: `meetup_tables(${pattern(request, 3)}, ${pattern(request, 4)})`,
      columns: TABLES,
      where: [...inCatalog(request), ...ofTypes(request.strings(5))],
      order: 'TABLE_TYPE, TABLE_SCHEM, TABLE_NAME',
    }),
  GetColumns: (request) =>
    query({
      from: `meetup_columns(${pattern(request, 3)}, ${pattern(request, 4)})`,
      columns: COLUMNS,
      where: [...inCatalog(request), ...columnsLike(request.string(5))],
      order: 'TABLE_SCHEM, TABLE_NAME, ORDINAL_POSITION',
    }),
  // Tables in hive_metastore have no keys.
  GetPrimaryKeys: () => nothing(PRIMARY_KEYS),
  GetCrossReference: () => nothing(CROSS_REFERENCES),
};

/** The query that answers a metadata call; undefined for all other calls. */
export const metadataQuery = (name: string, request: Struct): string | undefined => QUESTIONS[name]?.(request);

const TABLES: Columns = {
  TABLE_CAT: literal(CATALOG),
  TABLE_SCHEM: 'table_schema',
  TABLE_NAME: 'table_name',
  TABLE_TYPE: 'table_type',
  REMARKS: 'comment',
  TYPE_CAT: NO_TEXT,
  TYPE_SCHEM: NO_TEXT,
  TYPE_NAME: NO_TEXT,
  SELF_REFERENCING_COL_NAME: NO_TEXT,
  REF_GENERATION: NO_TEXT,
};

const COLUMNS: Columns = {
  TABLE_CAT: literal(CATALOG),
  TABLE_SCHEM: 'table_schema',
  TABLE_NAME: 'table_name',
  COLUMN_NAME: 'column_name',
  DATA_TYPE: 'jdbc_type',
  TYPE_NAME: 'full_type',
  COLUMN_SIZE: 'column_size',
  BUFFER_LENGTH: 'cast(null as tinyint)',
  DECIMAL_DIGITS: 'decimal_digits',
  NUM_PREC_RADIX: 'radix',
  NULLABLE: 'if(nullable, 1, 0)',
  REMARKS: 'comment',
  COLUMN_DEF: 'column_default',
  SQL_DATA_TYPE: NO_INT,
  SQL_DATETIME_SUB: NO_INT,
  CHAR_OCTET_LENGTH: NO_INT,
  // Databricks counts from 0 here, and its drivers add 1.
  ORDINAL_POSITION: 'ordinal',
  IS_NULLABLE: "if(nullable, 'YES', 'NO')",
  SCOPE_CATALOG: NO_TEXT,
  SCOPE_SCHEMA: NO_TEXT,
  SCOPE_TABLE: NO_TEXT,
  SOURCE_DATA_TYPE: NO_SMALLINT,
  IS_AUTO_INCREMENT: "'NO'",
};

const PRIMARY_KEYS: Columns = {
  ...Object.fromEntries(['TABLE_CAT', 'TABLE_SCHEM', 'TABLE_NAME', 'COLUMN_NAME'].map((name) => [name, NO_TEXT])),
  KEY_SEQ: NO_INT,
  PK_NAME: NO_TEXT,
};

const KEY_SIDE = ['TABLE_CAT', 'TABLE_SCHEM', 'TABLE_NAME', 'COLUMN_NAME'];
const CROSS_REFERENCES: Columns = {
  ...Object.fromEntries(['PK', 'FK'].flatMap((side) => KEY_SIDE.map((name) => [`${side}${name}`, NO_TEXT]))),
  KEY_SEQ: NO_INT,
  UPDATE_RULE: NO_SMALLINT,
  DELETE_RULE: NO_SMALLINT,
  FK_NAME: NO_TEXT,
  PK_NAME: NO_TEXT,
  DEFERRABILITY: NO_SMALLINT,
};

interface Query {
  readonly from: string;
  readonly columns: Columns;
  readonly where: readonly string[];
  readonly order: string;
}

function query({ from, columns, where, order }: Query): string {
  const filter = where.length > 0 ? ` where ${where.join(' and ')}` : '';
  return `select ${selected(columns)} from ${from}${filter} order by ${order}`;
}

const nothing = (columns: Columns): string => `select ${selected(columns)} where false`;

const selected = (columns: Columns): string =>
  Object.entries(columns)
    .map(([name, value]) => `${value} as ${name}`)
    .join(', ');

const pattern = (request: Struct, id: number): string => literal(request.string(id) || '%');

/** A condition that excludes everything if the client asks for another catalog. */
function inCatalog(request: Struct): string[] {
  const catalog = request.string(2);
  return catalog === undefined || catalog === '' || isCatalogName(catalog) || catalog === '%' ? [] : ['false'];
}

function ofTypes(types: readonly string[]): string[] {
  const wanted = types.map((type) => literal(type.toUpperCase() === 'BASE TABLE' ? 'TABLE' : type.toUpperCase()));
  return wanted.length > 0 ? [`table_type in (${wanted.join(', ')})`] : [];
}

const columnsLike = (name: string | undefined): string[] =>
  name === undefined || name === '' || name === '%' ? [] : [`lower(column_name) like lower(${literal(name)})`];
