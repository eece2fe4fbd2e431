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
import { type TextRule, textRule } from './text-rule.ts';

/**
 * Values that are certainly valid by a schema, and that a column holds as JSON.parse reads them: no string for a number, no 1.5 for an
 * integer. Not all valid values are: what can't be described here is left to the schema itself. A dialect turns the description into a
 * check; it may be stricter, never laxer.
 */
export type Certain =
  | { readonly kind: 'null' | 'boolean' }
  | { readonly kind: 'integer' | 'decimal'; readonly low: number; readonly high: number }
  | { readonly kind: 'text'; readonly rule: TextRule }
  | { readonly kind: 'constant'; readonly values: readonly Constant[] }
  | {
      readonly kind: 'list';
      /** Undefined if only an empty list is certain. */
      readonly item: Certain | undefined;
      readonly least: number;
      readonly most: number | undefined;
    }
  | CertainObject
  /** Any value. One that is dropped may have objects, in which keys repeat. */
  | { readonly kind: 'any'; readonly isDropped: boolean }
  /** A value whose column keeps its text. */
  | { readonly kind: 'json'; readonly of: Certain }
  | { readonly kind: 'either'; readonly of: readonly Certain[] };

export interface CertainObject {
  readonly kind: 'object';
  readonly schema: SchemaObject;
  /** By listed key, what its value has to be; undefined if it must not be there. */
  readonly listed: ReadonlyMap<string, Certain | undefined>;
  readonly required: readonly string[];
  /** What the value of any other key has to be; undefined if there must not be one. */
  readonly unlisted: Certain | undefined;
}

type Constant = null | boolean | string | number;

/** The keywords that are translated below. With any other keyword, nothing is certain. */
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

interface Compiling {
  readonly root: JsonSchema;
  /** The enclosing schemas: of a recursive one nothing is certain. */
  readonly within: readonly JsonSchema[];
}

/** The records that are certainly valid; undefined if none is. */
export const certainRecords = (root: JsonSchema, column: ColumnType): Certain | undefined =>
  certainOf({ root, within: [] }, root, column);

function certainOf(compiling: Compiling, schema: JsonSchema, column: ColumnType): Certain | undefined {
  const resolved = resolve(compiling.root, schema);
  if (resolved === undefined || resolved === false || compiling.within.includes(resolved)) return undefined;
  if (resolved === true) return column.kind === 'json' ? { kind: 'any', isDropped: false } : undefined;
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
  return either(types.map((type) => certainOfType(inner, resolved, type, column)));
}

/** What is in a column of its own, or in the items of one. */
function certainIn(compiling: Compiling, schema: JsonSchema, column: ColumnType): Certain | undefined {
  const certain = certainOf(compiling, schema, column);
  return certain !== undefined && column.kind === 'json' ? { kind: 'json', of: certain } : certain;
}

function either(alternatives: readonly (Certain | undefined)[]): Certain | undefined {
  const of = alternatives.filter((one) => one !== undefined);
  return of.length === 0 ? undefined : { kind: 'either', of };
}

function certainOfType(
  compiling: Compiling,
  schema: SchemaObject,
  type: JsonType,
  column: ColumnType,
): Certain | undefined {
  switch (type) {
    case 'null':
      return { kind: 'null' };
    case 'boolean':
      return fits(column, 'BOOLEAN') ? { kind: 'boolean' } : undefined;
    case 'integer':
      return fits(column, 'BIGINT') || fits(column, 'DOUBLE') ? numberBetween(schema, 'integer') : undefined;
    case 'number':
      return fits(column, 'DOUBLE') ? numberBetween(schema, 'decimal') : undefined;
    case 'string': {
      const rule = fits(column, 'VARCHAR') ? textRule(schema) : undefined;
      return rule && { kind: 'text', rule };
    }
    case 'array':
      return certainList(compiling, schema, column);
    case 'object':
      return column.kind === 'struct' ? certainObject(compiling, schema, column) : undefined;
  }
}

const fits = (column: ColumnType, sql: string): boolean =>
  column.kind === 'json' || (column.kind === 'scalar' && column.sql === sql);

/** For `anyOf`, one matching branch is enough. */
function anyBranch(compiling: Compiling, branches: unknown, column: ColumnType): Certain | undefined {
  if (!Array.isArray(branches)) return undefined;
  return either(branches.map((branch) => (isSchema(branch) ? certainOf(compiling, branch, column) : undefined)));
}

/** For `oneOf`, if no value can have the types of two branches, the branch that matches is the only one. */
function onlyBranch(compiling: Compiling, branches: unknown, column: ColumnType): Certain | undefined {
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

function oneOfValues(schema: SchemaObject, assertions: readonly string[]): Certain | undefined {
  if (assertions.length !== 1) return undefined;
  const values: readonly unknown[] = Array.isArray(schema.enum) ? schema.enum : [schema.const];
  const constants = values.filter(isConstant);
  return constants.length === 0 ? undefined : { kind: 'constant', values: constants };
}

const isConstant = (value: unknown): value is Constant =>
  value === null ||
  typeof value === 'boolean' ||
  typeof value === 'string' ||
  (Number.isSafeInteger(value) && !Object.is(value, -0));

function numberBetween(schema: SchemaObject, kind: 'integer' | 'decimal'): Certain | undefined {
  // Some formats apply to numbers.
  if (schema.format !== undefined) return undefined;
  const limit = (keyword: string, otherwise: number): number => {
    const value = schema[keyword];
    return typeof value === 'number' ? value : otherwise;
  };
  const low = limit('minimum', Number.NEGATIVE_INFINITY);
  const high = limit('maximum', Number.POSITIVE_INFINITY);
  // Numbers near an exclusive bound are left to the schema.
  const above = Math.floor(limit('exclusiveMinimum', Number.NEGATIVE_INFINITY)) + 1;
  const below = Math.ceil(limit('exclusiveMaximum', Number.POSITIVE_INFINITY)) - 1;
  return { kind, low: Math.max(low, above), high: Math.min(high, below) };
}

function certainList(compiling: Compiling, schema: SchemaObject, column: ColumnType): Certain | undefined {
  if (column.kind !== 'list' && column.kind !== 'json') return undefined;
  const items = isSchema(schema.items) ? schema.items : true;
  const least = typeof schema.minItems === 'number' ? schema.minItems : 0;
  const most = typeof schema.maxItems === 'number' ? schema.maxItems : undefined;
  const item = column.kind === 'list' ? certainIn(compiling, items, column.item) : certainOf(compiling, items, column);
  return { kind: 'list', item, least, most };
}

function certainObject(
  compiling: Compiling,
  schema: SchemaObject,
  column: ColumnType & { kind: 'struct' },
): Certain | undefined {
  const columns = new Map(column.fields);
  const listed = new Map(
    propertiesOf(schema).map(([key, property]) => [
      key,
      certainIn(compiling, property, columns.get(key) ?? { kind: 'json' }),
    ]),
  );
  const required = requiredOf(schema);
  const unlisted = unlistedValue(compiling, schema.additionalProperties);
  const impossible = (key: string): boolean => (listed.has(key) ? listed.get(key) : unlisted) === undefined;
  return required.some(impossible) ? undefined : { kind: 'object', schema, listed, required, unlisted };
}

/** Unlisted values are dropped, so they only have to be JSON and allowed. */
function unlistedValue(compiling: Compiling, additional: unknown): Certain | undefined {
  if (additional === undefined || additional === true) return { kind: 'any', isDropped: true };
  return isObject(additional) ? certainOf(compiling, additional, { kind: 'json' }) : undefined;
}
