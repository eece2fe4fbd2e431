import { MeetupError } from '../config/errors.ts';
import { quoteName } from './databricks-sql.ts';
import { type DuckDbType, parseType } from './duckdb-type.ts';

const SIMPLE: Readonly<Record<string, string>> = {
  BIGINT: 'bigint',
  INTEGER: 'int',
  VARCHAR: 'string',
  // Values of more than one type: their text. Delta tables of all supported runtimes can hold it.
  JSON: 'string',
  DOUBLE: 'double',
  BOOLEAN: 'boolean',
  DATE: 'date',
  TIMESTAMP: 'timestamp',
};

/**
 * Databricks' name of a type that a raw table declares in DuckDB's spelling: simple ones, lists, and structures of them.
 * @throws MeetupError for a type that raw tables don't use yet.
 */
export const databricksType = (type: string): string => nameOf(parseType(type));

function nameOf(type: DuckDbType): string {
  if (type.kind === 'list') return `array<${nameOf(type.item)}>`;
  if (type.kind === 'struct') {
    const fields = [...type.fields].map(([name, field]) => `${quoteName(name)}: ${nameOf(field)}`);
    return `struct<${fields.join(', ')}>`;
  }
  const simple = type.kind === 'plain' ? SIMPLE[type.name] : undefined;
  if (simple === undefined) {
    const name = type.kind === 'plain' ? type.name : 'MAP';
    throw new MeetupError(`A raw column has the type ${name}, which can't be deployed yet.`);
  }
  return simple;
}
