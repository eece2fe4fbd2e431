import { isObject, type JsonSchema, propertiesOf, resolve, type SchemaObject } from './json-schema.ts';

/**
 * The order of keys in a file's objects, by the object's schema: the listed keys, and unlisted ones where they were seen. It is
 * learned from a few records and guarantees nothing; records with another order go to ajv.
 */
export type KeyOrders = ReadonlyMap<SchemaObject, readonly string[]>;

export function learnKeyOrders(root: JsonSchema, sample: readonly unknown[]): KeyOrders {
  const seen = new Map<SchemaObject, Map<string, { keys: readonly string[]; times: number }>>();
  for (const record of sample) observe(root, root, record, seen);
  return new Map(
    [...seen].map(([schema, sequences]) => {
      const common = [...sequences.values()].sort((a, b) => b.times - a.times).map(({ keys }) => keys);
      return [schema, mergeOrders(common)];
    }),
  );
}

/**
 * The keys of an object in the order to expect: as learned, listed keys that were never seen after their neighbour in the
 * schema.
 */
export function expectedKeys(orders: KeyOrders, schema: SchemaObject): readonly string[] {
  const listed = propertiesOf(schema).map(([name]) => name);
  return mergeOrders([orders.get(schema) ?? [], listed]);
}

function observe(
  root: JsonSchema,
  schema: JsonSchema,
  value: unknown,
  seen: Map<SchemaObject, Map<string, { keys: readonly string[]; times: number }>>,
): void {
  const resolved = resolve(root, schema);
  if (!isObject(resolved)) return;
  if (Array.isArray(value)) {
    const { items } = resolved;
    if (isObject(items)) for (const item of value.slice(0, 20)) observe(root, items, item, seen);
    return;
  }
  if (!isObject(value)) return;
  const keys = Object.keys(value);
  const name = JSON.stringify(keys);
  const sequences = seen.get(resolved) ?? new Map<string, { keys: readonly string[]; times: number }>();
  sequences.set(name, { keys, times: (sequences.get(name)?.times ?? 0) + 1 });
  seen.set(resolved, sequences);
  for (const [key, inner] of propertiesOf(resolved)) {
    if (Object.hasOwn(value, key)) observe(root, inner, value[key], seen);
  }
}

/** Merges several orders into one that respects as many of them as possible; on conflicts, earlier ones win. */
function mergeOrders(orders: readonly (readonly string[])[]): readonly string[] {
  const merged: string[] = [];
  for (const keys of orders) {
    let at = 0;
    for (const key of keys) {
      const known = merged.indexOf(key);
      if (known === -1) merged.splice(at, 0, key);
      at = Math.max(at, (known === -1 ? at : known) + 1);
    }
  }
  return merged;
}
