import { quoteIdentifier } from '../../warehouse/sql.ts';
import { isObject, type JsonSchema, propertiesOf, resolve, type SchemaObject, typesOf } from './json-schema.ts';

/** How DuckDB holds the values of a schema. */
export type ColumnType =
  | { readonly kind: 'scalar'; readonly sql: 'BIGINT' | 'DOUBLE' | 'VARCHAR' | 'BOOLEAN' }
  /** A value that may have more than one type, kept as JSON text. */
  | { readonly kind: 'json' }
  | { readonly kind: 'list'; readonly item: ColumnType }
  | { readonly kind: 'struct'; readonly fields: readonly (readonly [name: string, type: ColumnType])[] };

const JSON_TYPE: ColumnType = { kind: 'json' };
const scalar = (sql: 'BIGINT' | 'DOUBLE' | 'VARCHAR' | 'BOOLEAN'): ColumnType => ({ kind: 'scalar', sql });

/** The column type for a schema's values: JSON if they have no single type or the schema is recursive. */
export function columnType(root: JsonSchema, schema: JsonSchema, within: readonly JsonSchema[] = []): ColumnType {
  const resolved = resolve(root, schema);
  if (!isObject(resolved) || within.includes(resolved)) return JSON_TYPE;
  const inner = [...within, resolved];
  if (resolved.const !== undefined) return typeOfValues([resolved.const]);
  if (Array.isArray(resolved.enum)) return typeOfValues(resolved.enum);
  const types = typesOf(resolved)?.filter((type) => type !== 'null');
  if (types === undefined) return typeOfBranches(root, resolved, inner);
  if (types.every((type) => type === 'integer' || type === 'number') && types.length > 0) {
    return scalar(types.includes('number') ? 'DOUBLE' : 'BIGINT');
  }
  const [only, ...others] = types;
  if (others.length > 0) return JSON_TYPE;
  if (only === 'string') return scalar('VARCHAR');
  if (only === 'boolean') return scalar('BOOLEAN');
  if (only === 'array') return listType(root, resolved, inner);
  if (only === 'object') return structType(root, resolved, inner);
  return JSON_TYPE;
}

/** The type's name in DuckDB's SQL. */
export function sqlType(type: ColumnType): string {
  switch (type.kind) {
    case 'scalar':
      return type.sql;
    case 'json':
      return 'JSON';
    case 'list':
      return `${sqlType(type.item)}[]`;
    case 'struct':
      return `STRUCT(${type.fields.map(([name, field]) => `${quoteIdentifier(name)} ${sqlType(field)}`).join(', ')})`;
  }
}

/** The type in the notation of DuckDB's json_transform. */
export function jsonStructure(type: ColumnType): unknown {
  switch (type.kind) {
    case 'scalar':
      return type.sql;
    case 'json':
      return 'JSON';
    case 'list':
      return [jsonStructure(type.item)];
    case 'struct':
      return Object.fromEntries(type.fields.map(([name, field]) => [name, jsonStructure(field)]));
  }
}

function listType(root: JsonSchema, schema: SchemaObject, within: readonly JsonSchema[]): ColumnType {
  const { items } = schema;
  if (!isObject(items) || schema.prefixItems !== undefined) return JSON_TYPE;
  return { kind: 'list', item: columnType(root, items, within) };
}

function structType(root: JsonSchema, schema: SchemaObject, within: readonly JsonSchema[]): ColumnType {
  const properties = propertiesOf(schema);
  if (properties.length === 0) return JSON_TYPE;
  return {
    kind: 'struct',
    fields: properties.map(([name, property]) => [name, columnType(root, property, within)] as const),
  };
}

function typeOfValues(values: readonly unknown[]): ColumnType {
  const given = values.filter((value) => value !== null);
  if (given.length === 0) return JSON_TYPE;
  if (given.every((value) => typeof value === 'string')) return scalar('VARCHAR');
  if (given.every((value) => typeof value === 'boolean')) return scalar('BOOLEAN');
  if (given.every((value) => Number.isSafeInteger(value))) return scalar('BIGINT');
  if (given.every((value) => typeof value === 'number')) return scalar('DOUBLE');
  return JSON_TYPE;
}

/** The type that all branches of `anyOf` or `oneOf` share, ignoring null. */
function typeOfBranches(root: JsonSchema, schema: SchemaObject, within: readonly JsonSchema[]): ColumnType {
  const branches = [schema.anyOf, schema.oneOf].filter((list) => Array.isArray(list));
  const [list, ...others] = branches;
  if (list === undefined || others.length > 0) return JSON_TYPE;
  const types = list
    .filter((branch) => !isNull(root, branch))
    .map((branch) => (isObject(branch) ? columnType(root, branch, within) : JSON_TYPE));
  const [first, ...rest] = types;
  if (first === undefined) return JSON_TYPE;
  if (rest.every((type) => JSON.stringify(type) === JSON.stringify(first))) return first;
  const areNumbers = types.every((type) => type.kind === 'scalar' && (type.sql === 'BIGINT' || type.sql === 'DOUBLE'));
  return areNumbers ? scalar('DOUBLE') : JSON_TYPE;
}

function isNull(root: JsonSchema, branch: unknown): boolean {
  const resolved = isObject(branch) ? resolve(root, branch) : undefined;
  if (!isObject(resolved)) return false;
  return resolved.const === null || typesOf(resolved)?.join() === 'null';
}
