import type { DatabricksConnection, StatementOptions } from './databricks.ts';
import { quoteName } from './databricks-sql.ts';

/** A column of a table, with its type as Databricks writes it. */
export interface DescribedColumn {
  readonly name: string;
  readonly type: string;
}

/** How Spark ends a struct of more than 25 fields (spark.sql.debug.maxToStringFields) that it describes. */
const SHORTENED = /\.\.\. \d+ more field/;

/**
 * The columns of a table or view, with whole types.
 * @param place its quoted name
 * @throws StatementFailedError if it doesn't exist
 */
export async function describeColumns(
  connection: Pick<DatabricksConnection, 'rows'>,
  place: string,
  options: StatementOptions = {},
): Promise<readonly DescribedColumn[]> {
  const rows = await connection.rows(`describe table ${place}`, options);
  // After the columns come an empty line and further sections.
  const end = rows.findIndex(({ col_name: column }) => column === '' || String(column).startsWith('#'));
  const described = (end === -1 ? rows : rows.slice(0, end)).map(({ col_name: name, data_type: type }) => ({
    name: String(name),
    type: String(type),
  }));
  const shortened = described.filter(({ type }) => SHORTENED.test(type)).map(({ name }) => name);
  if (shortened.length === 0) return described;
  const whole = await wholeTypes(connection, place, shortened, options);
  return described.map((column) => ({ ...column, type: whole.get(column.name) ?? column.type }));
}

/** The types of some columns as `typeof` names them, which shortens none. A row of nulls is enough, so the table isn't read. */
async function wholeTypes(
  connection: Pick<DatabricksConnection, 'rows'>,
  place: string,
  columns: readonly string[],
  options: StatementOptions,
): Promise<ReadonlyMap<string, string>> {
  const quoted = columns.map(quoteName);
  const [row = {}] = await connection.rows(
    `select ${quoted.map((column, i) => `typeof(${column}) as type_${i}`).join(', ')} from (
       select ${quoted.join(', ')} from ${place} where false
       union all select ${quoted.map(() => 'null').join(', ')}
     )`,
    options,
  );
  return new Map(columns.map((column, i) => [column, String(row[`type_${i}`])]));
}
