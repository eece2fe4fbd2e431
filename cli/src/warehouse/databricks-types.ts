import { MeetupError } from '../config/errors.ts';
import { quoteName } from './databricks-sql.ts';
import { type DuckDbType, parseType } from './duckdb-type.ts';

const SIMPLE: Readonly<Record<string, string>> = {
  TINYINT: 'tinyint',
  SMALLINT: 'smallint',
  INTEGER: 'int',
  BIGINT: 'bigint',
  HUGEINT: 'decimal(38, 0)',
  FLOAT: 'float',
  BLOB: 'binary',
  UUID: 'string',
  'TIMESTAMP WITH TIME ZONE': 'timestamp',
  VARCHAR: 'string',
  // Values of more than one type: their text. Delta tables of all supported runtimes can hold it.
  JSON: 'string',
  DOUBLE: 'double',
  BOOLEAN: 'boolean',
  DATE: 'date',
  TIMESTAMP: 'timestamp',
};

/**
 * Databricks' name of a type in DuckDB's spelling.
 * @throws MeetupError for a type that Databricks doesn't have.
 */
export const databricksType = (type: string): string => nameOf(parseType(type));

function nameOf(type: DuckDbType): string {
  if (type.kind === 'list') return `array<${nameOf(type.item)}>`;
  if (type.kind === 'struct') {
    const fields = [...type.fields].map(([name, field]) => `${quoteName(name)}: ${nameOf(field)}`);
    return `struct<${fields.join(', ')}>`;
  }
  if (type.kind === 'map') return `map<${nameOf(type.key)}, ${nameOf(type.value)}>`;
  const simple = SIMPLE[type.name] ?? /^DECIMAL\(\d+,\s*\d+\)$/.exec(type.name)?.[0].toLowerCase();
  if (simple === undefined) {
    throw new MeetupError(`A column has DuckDB's type ${type.name}, for which meetup knows no type on Databricks.`);
  }
  return simple;
}
