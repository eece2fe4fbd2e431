import { z } from 'zod';
import type { ColumnType } from './contract/column-types.ts';
import {
  isObject,
  type JsonSchema,
  propertiesOf,
  requiredOf,
  resolve,
  type SchemaObject,
} from './contract/json-schema.ts';
import { SchemaFault } from './schema-file.ts';

/** What a schema may contain under `x-meetup`: annotations that JSON Schema has no keywords for. */
export const ANNOTATION = {
  type: 'object',
  properties: {
    key: { type: 'array', items: { type: 'string' }, minItems: 1, uniqueItems: true },
    loadOrder: { type: 'integer' },
    personal: { type: 'boolean' },
    references: { anyOf: [{ type: 'string' }, { const: false }] },
    onForget: { enum: ['remove', 'null'] },
  },
  additionalProperties: false,
};

const annotationSchema = z.object({
  /** On an entity: the properties that identify a record. Records with equal values are versions of the same record. */
  key: z.array(z.string()).optional(),
  /** On an entity: those with smaller numbers are loaded first. */
  loadOrder: z.number().optional(),
  /** On a property: whether it is personal data. */
  personal: z.boolean().optional(),
  /** On a property: the entity whose key it holds, if its name doesn't say so; false if it only has the name of a key. */
  references: z.union([z.string(), z.literal(false)]).optional(),
  /** On a property that refers to a record that is forgotten: whether what holds it is removed, or only the value. */
  onForget: z.enum(['remove', 'null']).optional(),
});
export type Annotation = z.infer<typeof annotationSchema>;

/** The annotations that a schema has under `x-meetup`. */
export const annotationOf = (schema: JsonSchema): Annotation =>
  isObject(schema) && schema['x-meetup'] !== undefined ? annotationSchema.parse(schema['x-meetup']) : {};

/**
 * The properties that identify an entity's records, if its schema declares them.
 * @throws SchemaFault if a record may lack one, or has a list or an object there.
 */
export function keyOf(schema: SchemaObject, record: ColumnType & { readonly kind: 'struct' }): readonly string[] {
  const { key = [] } = annotationOf(schema);
  const columns = new Map(record.fields);
  for (const name of key) {
    const fault = (why: string): SchemaFault => new SchemaFault(`its key '${name}' ${why}`, ['x-meetup', 'key']);
    const column = columns.get(name);
    if (column === undefined) throw fault('is not one of its properties');
    if (column.kind !== 'scalar') throw fault('is not a single value');
    if (!requiredOf(schema).includes(name)) throw fault('is not required, so that a record may lack it');
  }
  return key;
}

/** The `personal` annotations of an entity's properties at any depth, by path, such as `rsvps.response`. */
export function personalPlaces(schema: SchemaObject): ReadonlyMap<string, boolean> {
  const places = new Map<string, boolean>();
  const visit = (inner: JsonSchema, path: string, within: readonly JsonSchema[]): void => {
    const resolved = resolve(schema, inner);
    const said = annotationOf(inner).personal ?? (resolved === undefined ? undefined : annotationOf(resolved).personal);
    if (said !== undefined && path !== '') places.set(path, said);
    if (!isObject(resolved) || within.includes(resolved)) return;
    const deeper = [...within, resolved];
    if (isObject(resolved.items)) visit(resolved.items, path, deeper);
    for (const [name, property] of propertiesOf(resolved))
      visit(property, path === '' ? name : `${path}.${name}`, deeper);
  };
  visit(schema, '', []);
  return places;
}
