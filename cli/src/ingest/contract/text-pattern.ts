import type { ColumnType } from './column-types.ts';
import {
  assertionsOf,
  isObject,
  isSchema,
  type JsonSchema,
  type JsonType,
  jsonTypes,
  propertiesOf,
  requiredOf,
  resolve,
  type SchemaObject,
  typesOf,
} from './json-schema.ts';
import { expectedKeys, type KeyOrders } from './key-order.ts';
import { anyOf, decimalPattern, integerPattern } from './number-pattern.ts';
import { plainString, stringPattern } from './string-pattern.ts';

/*
 * The fast check. A schema becomes a regular expression (RE2) over the JSON text of a record. A text that matches and that
 * DuckDB's parser accepts
 *
 * - is JSON: no NaN and no trailing comma, both of which DuckDB's parser accepts;
 * - has no listed key twice: each has one place in the pattern;
 * - satisfies the schema;
 * - and is read into the columns as JSON.parse would read it: no string for a number, no 1.5 for an integer.
 *
 * It need not match every such text. A schema that can't be expressed as a pattern (`undefined` here) matches nothing, and all
 * its records go to ajv.
 */

/** The keywords that are translated below. A schema with any other keyword has no pattern. */
const UNDERSTOOD = new Set([
  'type',
  'enum',
  'const',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'minLength',
  'maxLength',
  'pattern',
  'format',
  'properties',
  'required',
  'additionalProperties',
  'items',
  'minItems',
  'maxItems',
  'anyOf',
  'oneOf',
]);

const SPACE = '\\s*';
const NUMBER = '-?[0-9]+(?:\\.[0-9]+)?(?:[eE][-+]?[0-9]+)?';

/** The largest list length that a pattern counts. */
const MOST_COUNTED = 40;

interface Compiling {
  readonly root: JsonSchema;
  readonly orders: KeyOrders;
  /** The enclosing schemas: a recursive one has no pattern. */
  readonly within: readonly JsonSchema[];
}

/** The pattern of records that are certainly valid, without surrounding white space; undefined if there is none. */
export function textPattern(root: JsonSchema, column: ColumnType, orders: KeyOrders): string | undefined {
  const pattern = patternOf({ root, orders, within: [] }, root, column);
  return pattern !== undefined && pattern.length > LONGEST ? undefined : pattern;
}

/** The longest pattern (characters) that RE2 is asked to compile. */
const LONGEST = 100_000;

function patternOf(compiling: Compiling, schema: JsonSchema, column: ColumnType): string | undefined {
  const resolved = resolve(compiling.root, schema);
  if (resolved === undefined || resolved === false || compiling.within.includes(resolved)) return undefined;
  if (resolved === true) return column.kind === 'json' ? anyValue(1, false) : undefined;
  const assertions = assertionsOf(resolved);
  if (!assertions.every((keyword) => UNDERSTOOD.has(keyword))) return undefined;
  const inner = { ...compiling, within: [...compiling.within, resolved] };
  if (resolved.anyOf !== undefined || resolved.oneOf !== undefined) {
    if (assertions.length !== 1) return undefined;
    return resolved.oneOf === undefined
      ? anyBranch(inner, resolved.anyOf, column)
      : onlyBranch(inner, resolved.oneOf, column);
  }
  if (resolved.enum !== undefined || resolved.const !== undefined) return oneOfValues(resolved, assertions);
  const types = typesOf(resolved) ?? jsonTypes;
  return anyOf(types.map((type) => typePattern(inner, resolved, type, column)));
}

function typePattern(
  compiling: Compiling,
  schema: SchemaObject,
  type: JsonType,
  column: ColumnType,
): string | undefined {
  switch (type) {
    case 'null':
      return 'null';
    case 'boolean':
      return fits(column, 'BOOLEAN') ? '(?:true|false)' : undefined;
    case 'integer':
      return fits(column, 'BIGINT') || fits(column, 'DOUBLE') ? numberPattern(schema, integerPattern) : undefined;
    case 'number':
      return fits(column, 'DOUBLE') ? numberPattern(schema, decimalPattern) : undefined;
    case 'string':
      return fits(column, 'VARCHAR') ? stringPattern(schema) : undefined;
    case 'array':
      return arrayPattern(compiling, schema, column);
    case 'object':
      return column.kind === 'struct' ? objectPattern(compiling, schema, column) : undefined;
  }
}

const fits = (column: ColumnType, sql: string): boolean =>
  column.kind === 'json' || (column.kind === 'scalar' && column.sql === sql);

/** For `anyOf`, one matching branch is enough. */
function anyBranch(compiling: Compiling, branches: unknown, column: ColumnType): string | undefined {
  if (!Array.isArray(branches)) return undefined;
  return anyOf(branches.map((branch) => (isSchema(branch) ? patternOf(compiling, branch, column) : undefined)));
}

/** For `oneOf`, if no value can have the types of two branches, the branch that matches is the only one. */
function onlyBranch(compiling: Compiling, branches: unknown, column: ColumnType): string | undefined {
  if (!Array.isArray(branches)) return undefined;
  const seen = new Set<string>();
  for (const branch of branches) {
    const resolved = isSchema(branch) ? resolve(compiling.root, branch) : undefined;
    const types = isObject(resolved) ? typesOf(resolved) : undefined;
    if (types === undefined) return undefined;
    for (const type of new Set(types.map((one) => (one === 'integer' ? 'number' : one)))) {
      if (seen.has(type)) return undefined;
      seen.add(type);
    }
  }
  return anyBranch(compiling, branches, column);
}

function oneOfValues(schema: SchemaObject, assertions: readonly string[]): string | undefined {
  if (assertions.length !== 1) return undefined;
  const values: readonly unknown[] = Array.isArray(schema.enum) ? schema.enum : [schema.const];
  return anyOf(
    values.map((value) => {
      const isPlain = value === null || typeof value === 'boolean' || typeof value === 'string';
      return isPlain || (Number.isSafeInteger(value) && !Object.is(value, -0))
        ? literally(JSON.stringify(value))
        : undefined;
    }),
  );
}

function numberPattern(
  schema: SchemaObject,
  between: (low: number, high: number) => string | undefined,
): string | undefined {
  // Some formats apply to numbers.
  if (schema.format !== undefined) return undefined;
  const limit = (keyword: string, otherwise: number): number => {
    const value = schema[keyword];
    return typeof value === 'number' ? value : otherwise;
  };
  const low = limit('minimum', Number.NEGATIVE_INFINITY);
  const high = limit('maximum', Number.POSITIVE_INFINITY);
  // Numbers near an exclusive bound are left to ajv.
  const above = Math.floor(limit('exclusiveMinimum', Number.NEGATIVE_INFINITY)) + 1;
  const below = Math.ceil(limit('exclusiveMaximum', Number.POSITIVE_INFINITY)) - 1;
  return between(Math.max(low, above), Math.min(high, below));
}

function arrayPattern(compiling: Compiling, schema: SchemaObject, column: ColumnType): string | undefined {
  const least = typeof schema.minItems === 'number' ? schema.minItems : 0;
  const most = typeof schema.maxItems === 'number' ? schema.maxItems : undefined;
  if (least > MOST_COUNTED || (most !== undefined && (most > MOST_COUNTED || most < least))) return undefined;
  if (column.kind !== 'list' && column.kind !== 'json') return undefined;
  const items = isSchema(schema.items) ? schema.items : true;
  const item = patternOf(compiling, items, column.kind === 'list' ? column.item : column);
  if (item === undefined || most === 0) return least === 0 ? `\\[${SPACE}\\]` : undefined;
  return listOf(item, least, most);
}

/**
 * A list of items. The pattern has to require the comma between two items although DuckDB's parser does too: otherwise 416 would
 * match as 41 and 6.
 */
function listOf(item: string, least: number, most: number | undefined): string {
  const others = `{${Math.max(least - 1, 0)},${most === undefined ? '' : most - 1}}`;
  const items = `${item}${SPACE}(?:,${SPACE}${item}${SPACE})${others === '{0,}' ? '*' : others}`;
  return `\\[${SPACE}${least === 0 ? `(?:${items})?` : items}\\]`;
}

function objectPattern(
  compiling: Compiling,
  schema: SchemaObject,
  column: ColumnType & { kind: 'struct' },
): string | undefined {
  const listed = new Map(propertiesOf(schema));
  const columns = new Map(column.fields);
  const required = requiredOf(schema);
  const keys = expectedKeys(compiling.orders, schema);
  if (required.some((key) => !keys.includes(key))) return undefined;
  const inAnyCase = new Set([...listed.keys()].map((key) => key.toLowerCase()));
  const places: string[] = [];
  for (const key of keys) {
    const property = listed.get(key);
    const value =
      property === undefined
        ? // An unlisted key that DuckDB could confuse with a listed one is left to ajv.
          inAnyCase.has(key.toLowerCase())
          ? undefined
          : unlistedValue(compiling, schema.additionalProperties)
        : patternOf(compiling, property, columns.get(key) ?? { kind: 'json' });
    if (value === undefined && required.includes(key)) return undefined;
    if (value === undefined) continue;
    const place = `(?:,?${SPACE}${literally(JSON.stringify(key))}${SPACE}:${SPACE}${value}${SPACE})`;
    places.push(required.includes(key) ? place : `${place}?`);
  }
  return `\\{${SPACE}${places.join('')}\\}`;
}

/** Unlisted values are dropped, so they only have to be JSON and allowed. */
function unlistedValue(compiling: Compiling, additional: unknown): string | undefined {
  if (additional === undefined || additional === true) return anyValue(2, true);
  return isObject(additional) ? patternOf(compiling, additional, { kind: 'json' }) : undefined;
}

/** Any JSON value that isn't nested too deeply. Objects may repeat keys, so this is only for values that are dropped. */
function anyValue(depth: number, hasObjects: boolean): string {
  const scalar = `${plainString}|${hasObjects ? NUMBER : (decimalPattern(-1e15, 1e15) ?? '0')}|true|false|null`;
  if (depth === 0) return `(?:${scalar})`;
  const inner = anyValue(depth - 1, hasObjects);
  const list = listOf(inner, 0, undefined);
  const object = `\\{${SPACE}(?:,?${SPACE}${plainString}${SPACE}:${SPACE}${inner}${SPACE})*\\}`;
  return `(?:${[scalar, list, ...(hasObjects ? [object] : [])].join('|')})`;
}

/** A pattern that matches exactly this text. */
function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
