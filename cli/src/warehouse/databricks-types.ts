import { MeetupError } from '../config/errors.ts';
import { quoteName } from './databricks-sql.ts';

const SIMPLE: Readonly<Record<string, string>> = {
  BIGINT: 'bigint',
  INTEGER: 'int',
  VARCHAR: 'string',
  DOUBLE: 'double',
  BOOLEAN: 'boolean',
  DATE: 'date',
  TIMESTAMP: 'timestamp',
};

/**
 * Databricks' name of a type that a raw table declares in DuckDB's spelling: simple ones, lists, and structures of them.
 * @throws MeetupError for a type that raw tables don't use yet.
 */
export function databricksType(type: string): string {
  if (type.endsWith('[]')) return `array<${databricksType(type.slice(0, -2))}>`;
  const fields = /^STRUCT\((.*)\)$/.exec(type)?.[1];
  if (fields !== undefined) return `struct<${fields.split(/,\s*/).map(fieldOf).join(', ')}>`;
  const simple = SIMPLE[type];
  if (simple === undefined) throw new MeetupError(`A raw column has the type ${type}, which can't be deployed yet.`);
  return simple;
}

function fieldOf(field: string): string {
  const [name = '', ...type] = field.split(' ');
  return `${quoteName(name.replaceAll('"', ''))}: ${databricksType(type.join(' '))}`;
}
