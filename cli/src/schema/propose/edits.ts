import type { ErrorObject } from 'ajv/dist/2020.js';
import type { JsonFile } from '../../ingest/schema-file.ts';

/** One change of a schema, at the path of a keyword in its document. */
export interface Edit {
  /** The path of the schema with the keyword: `['properties', 'tier']`. */
  readonly path: readonly string[];
  readonly change: Change;
}

export type Change =
  /** Adds a value to `enum`. */
  | { readonly kind: 'value'; readonly value: string | number | boolean | null }
  /** Replaces `integer` by `number`, or adds a type. */
  | { readonly kind: 'type'; readonly type: string }
  /** Raises or lowers a limit. */
  | { readonly kind: 'limit'; readonly keyword: string; readonly limit: number }
  | { readonly kind: 'remove'; readonly keyword: string }
  /** Makes a property optional. */
  | { readonly kind: 'optional'; readonly property: string }
  /** Lists a property; its values are collected to describe it. */
  | { readonly kind: 'property'; readonly property: string; readonly values: readonly unknown[] };

/** Keywords whose new limit is the greatest or least value that occurs. */
const LIMITS: Readonly<Record<string, 'most' | 'least'>> = {
  maximum: 'most',
  minimum: 'least',
  maxLength: 'most',
  minLength: 'least',
  maxItems: 'most',
  minItems: 'least',
};

/** Rules that can't be widened, only removed. */
const REMOVED = new Set(['pattern', 'format', 'multipleOf', 'uniqueItems', 'exclusiveMinimum', 'exclusiveMaximum']);

/** The change that would fix an error of ajv; undefined if none is simple enough. */
export function editFor(error: ErrorObject, record: unknown): Edit | undefined {
  const steps = pointer(error.schemaPath.replace(/^#/, ''));
  // It is unknown which branch was meant.
  if (
    steps.some(
      (step, index) => /^(anyOf|oneOf|allOf|not|if|then|else)$/.test(step) && steps[index - 1] !== 'properties',
    )
  )
    return undefined;
  const path = steps.slice(0, -1);
  const change = changeFor(error, valueAt(record, pointer(error.instancePath)));
  return change === undefined ? undefined : { path, change };
}

function changeFor({ keyword, params }: ErrorObject, value: unknown): Change | undefined {
  if (keyword === 'enum') return isScalar(value) ? { kind: 'value', value } : undefined;
  if (keyword === 'type') return { kind: 'type', type: typeName(value, String(params.type)) };
  if (keyword === 'required') return { kind: 'optional', property: String(params.missingProperty) };
  if (keyword === 'additionalProperties') {
    const property = String(params.additionalProperty);
    return { kind: 'property', property, values: [valueAt(value, [property])] };
  }
  if (LIMITS[keyword] !== undefined) {
    const limit = measure(keyword, value);
    return limit === undefined ? undefined : { kind: 'limit', keyword, limit };
  }
  return REMOVED.has(keyword) ? { kind: 'remove', keyword } : undefined;
}

const isScalar = (value: unknown): value is string | number | boolean | null =>
  value === null || ['string', 'number', 'boolean'].includes(typeof value);

function typeName(value: unknown, allowed: string): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) && !allowed.includes('integer') ? 'integer' : 'number';
  return typeof value;
}

function measure(keyword: string, value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'string' && keyword.endsWith('Length')) return [...value].length;
  return Array.isArray(value) ? value.length : undefined;
}

/** Edits with equal keys are merged into one whose limit admits both, or whose property has the values of both. */
export function keyOfEdit({ path, change }: Edit): string {
  const what =
    change.kind === 'value'
      ? change.value
      : change.kind === 'type'
        ? change.type
        : change.kind === 'optional' || change.kind === 'property'
          ? change.property
          : change.keyword;
  return JSON.stringify([path, change.kind, what]);
}

/** Merges two edits with the same key. */
export function bothEdits(one: Edit, other: Edit): Edit {
  const [a, b] = [one.change, other.change];
  if (a.kind === 'limit' && b.kind === 'limit') {
    const limit = LIMITS[a.keyword] === 'least' ? Math.min(a.limit, b.limit) : Math.max(a.limit, b.limit);
    return { path: one.path, change: { ...a, limit } };
  }
  if (a.kind === 'property' && b.kind === 'property') {
    return { path: one.path, change: { ...a, values: [...a.values, ...b.values] } };
  }
  return one;
}

const pointer = (text: string): string[] =>
  text
    .split('/')
    .slice(1)
    .map((step) => decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~'));

/** The value at a path; undefined if there is none. */
export function valueAt(root: JsonFile['value'], path: readonly string[]): unknown {
  let found: unknown = root;
  for (const step of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, step)) return undefined;
    found = Object.entries(found).find(([key]) => key === step)?.[1];
  }
  return found;
}
