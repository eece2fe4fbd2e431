/** A JSON Schema (2020-12): `true`, `false`, or an object of keywords. */
export type JsonSchema = boolean | SchemaObject;
export type SchemaObject = Readonly<Record<string, unknown>>;

export const jsonTypes = ['null', 'boolean', 'integer', 'number', 'string', 'array', 'object'] as const;
export type JsonType = (typeof jsonTypes)[number];

export function isObject(value: unknown): value is SchemaObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'boolean' || isObject(value);
}

/** Keywords that describe a value without constraining it. */
const ANNOTATIONS = new Set([
  '$schema',
  '$id',
  '$comment',
  '$defs',
  'title',
  'description',
  'default',
  'deprecated',
  'examples',
  'readOnly',
  'writeOnly',
]);

/** The keywords of a schema that constrain values: all but annotations and the project's own `x-…`. */
export function assertionsOf(schema: SchemaObject): string[] {
  return Object.keys(schema).filter((keyword) => !ANNOTATIONS.has(keyword) && !keyword.startsWith('x-'));
}

/** The types that `type` allows; undefined if the schema does not say. */
export function typesOf(schema: SchemaObject): readonly JsonType[] | undefined {
  const { type } = schema;
  if (type === undefined) return undefined;
  const named: readonly unknown[] = Array.isArray(type) ? type : [type];
  return jsonTypes.filter((name) => named.includes(name));
}

/** The schemas of an object's listed properties, in the schema's order. */
export function propertiesOf(schema: SchemaObject): readonly (readonly [name: string, schema: JsonSchema])[] {
  const { properties } = schema;
  if (!isObject(properties)) return [];
  return Object.entries(properties).flatMap(([name, value]) => (isSchema(value) ? [[name, value] as const] : []));
}

/** The names that `required` lists. */
export function requiredOf(schema: SchemaObject): readonly string[] {
  const { required } = schema;
  return Array.isArray(required) ? required.filter((name) => typeof name === 'string') : [];
}

/**
 * Follows `$ref` to a definition in the same document. Undefined if it leads to another document, leads in a circle, or has
 * assertions beside it: such schemas are left to ajv.
 */
export function resolve(root: JsonSchema, schema: JsonSchema): JsonSchema | undefined {
  let found: unknown = schema;
  for (let steps = 0; steps < 16; steps += 1) {
    if (!isObject(found) || found.$ref === undefined) return isSchema(found) ? found : undefined;
    if (assertionsOf(found).length > 1 || typeof found.$ref !== 'string') return undefined;
    found = definition(root, found.$ref);
  }
  return undefined;
}

function definition(root: JsonSchema, reference: string): unknown {
  if (!reference.startsWith('#/')) return undefined;
  let found: unknown = root;
  for (const step of reference.slice(2).split('/')) {
    if (!isObject(found)) return undefined;
    const key = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
    found = Object.hasOwn(found, key) ? found[key] : undefined;
  }
  return found;
}
