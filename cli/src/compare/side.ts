import type { DatabricksConnection, StatementOptions } from '../warehouse/databricks.ts';
import { isNotThere } from '../warehouse/databricks-errors.ts';
import { quoteName, quoteNames } from '../warehouse/databricks-sql.ts';
import type { DuckDbWarehouse } from '../warehouse/duckdb.ts';
import { quoteIdentifier, quoteLiteral } from '../warehouse/sql.ts';
import type { QueryResult } from '../warehouse/warehouse.ts';
import { canonicalType } from './types.ts';

/** A column, with its type in the common spelling of both engines. */
export interface Column {
  readonly name: string;
  readonly type: string;
}

/** A cell as text, or null. Nothing else is fetched from the engines. */
export type TextRow = readonly (string | null)[];

/** What differs between the engines' SQL when rows are rendered as text and hashed. */
export interface Dialect {
  quote(name: string): string;
  table(schema: string, name: string): string;
  toText(sql: string): string;
  /** Microseconds since 1970 in UTC. */
  micros(sql: string): string;
  /** C's `%.9e`, for finite numbers. */
  scientific(sql: string): string;
  isNan(sql: string): string;
  /** A number of 60 bits from the first hexadecimal digits of a text, wide enough to be summed. */
  number60(hex: string): string;
  /** Days since 1970. */
  days(sql: string): string;
  /** A field of a struct. */
  field(sql: string, name: string): string;
  /** An array of structs with the fields `key` and `value`. */
  mapEntries(sql: string): string;
  /** Joins the texts of an array's items: `element` is SQL for the item named `variable`. Null for null. */
  listText(sql: string, variable: string, element: string, options?: { sorted?: boolean }): string;
}

/** One of two warehouses that are compared. */
export interface Side {
  readonly name: string;
  readonly dialect: Dialect;
  /** Undefined if the table doesn't exist. */
  columns(schema: string, name: string): Promise<readonly Column[] | undefined>;
  /** Runs a query whose columns are all text. */
  texts(sql: string): Promise<readonly TextRow[]>;
}

const duckDbDialect: Dialect = {
  quote: quoteIdentifier,
  table: (schema, name) => `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`,
  toText: (sql) => `cast(${sql} as varchar)`,
  micros: (sql) => `epoch_us(${sql})`,
  scientific: (sql) => `printf('%.9e', cast(${sql} as double))`,
  isNan: (sql) => `isnan(${sql})`,
  number60: (hex) => `cast(cast('0x' || substr(${hex}, 1, 15) as bigint) as hugeint)`,
  days: (sql) => `date_diff('day', date '1970-01-01', ${sql})`,
  field: (sql, name) => `struct_extract(${sql}, ${quoteLiteral(name)})`,
  mapEntries: (sql) => `map_entries(${sql})`,
  listText: (sql, variable, element, { sorted = false } = {}) => {
    const texts = `list_transform(${sql}, lambda ${variable}: ${element})`;
    return `array_to_string(${sorted ? `list_sort(${texts})` : texts}, ',')`;
  },
};

const databricksDialect = (catalog: string): Dialect => ({
  quote: quoteName,
  table: (schema, name) => quoteNames(catalog, schema, name),
  toText: (sql) => `cast(${sql} as string)`,
  micros: (sql) => `unix_micros(cast(${sql} as timestamp))`,
  scientific: (sql) => `format_string('%.9e', cast(${sql} as double))`,
  isNan: (sql) => `isnan(${sql})`,
  number60: (hex) => `cast(conv(substr(${hex}, 1, 15), 16, 10) as decimal(38, 0))`,
  days: (sql) => `unix_date(${sql})`,
  field: (sql, name) => `${sql}.${quoteName(name)}`,
  mapEntries: (sql) => `map_entries(${sql})`,
  listText: (sql, variable, element, { sorted = false } = {}) => {
    const texts = `transform(${sql}, ${variable} -> ${element})`;
    return `array_join(${sorted ? `array_sort(${texts})` : texts}, ',')`;
  },
});

/** The marts in a DuckDB file. It has one connection, which runs one query at a time. */
export function duckDbSide(name: string, warehouse: DuckDbWarehouse): Side {
  let last: Promise<unknown> = Promise.resolve();
  const query = (sql: string): Promise<QueryResult> => {
    const answer = last.then(() => warehouse.query(sql));
    last = answer.catch(() => undefined);
    return answer;
  };
  return {
    name,
    dialect: duckDbDialect,
    columns: async (schema, table) => {
      const { rows } = await query(
        `select column_name, data_type from information_schema.columns
         where table_schema = ${quoteLiteral(schema)} and table_name = ${quoteLiteral(table)} order by ordinal_position`,
      );
      if (rows.length === 0) return undefined;
      return rows.map(([column, type]) => ({ name: String(column), type: canonicalType(String(type)) }));
    },
    texts: async (sql) => (await query(sql)).rows.map((row) => row.map(textOf)),
  };
}

/** The marts on Databricks, or on the rehearsal. */
export function databricksSide(
  name: string,
  connection: DatabricksConnection,
  catalog: string,
  options: StatementOptions = {},
): Side {
  return {
    name,
    dialect: databricksDialect(catalog),
    columns: async (schema, table) => {
      try {
        const rows = await connection.rows(`describe table ${quoteNames(catalog, schema, table)}`, options);
        // After the columns come an empty line and further sections.
        const end = rows.findIndex(({ col_name: column }) => column === '' || String(column).startsWith('#'));
        return (end === -1 ? rows : rows.slice(0, end)).map(({ col_name: column, data_type: type }) => ({
          name: String(column),
          type: canonicalType(String(type)),
        }));
      } catch (error) {
        if (isNotThere(error)) return undefined;
        throw error;
      }
    },
    texts: async (sql) => (await connection.rows(sql, options)).map((row) => Object.values(row).map(textOf)),
  };
}

const textOf = (value: unknown): string | null => (value === null || value === undefined ? null : String(value));
