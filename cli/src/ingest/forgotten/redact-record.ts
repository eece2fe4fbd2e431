import { annotationOf } from '../annotations.ts';
import {
  isObject,
  type JsonSchema,
  propertiesOf,
  requiredOf,
  resolve,
  type SchemaObject,
  typesOf,
} from '../contract/json-schema.ts';
import type { Contracts } from '../schemas.ts';

/** Which records are forgotten, by entity and the values of their key as text. */
export interface Forgotten {
  /** Names of the entities with forgotten records. */
  readonly entities: ReadonlySet<string>;
  has(entity: string, key: readonly string[]): boolean;
}

/** One change of a record: a property or an item of a list is taken out, or becomes null. */
export interface Removal {
  /** Names of properties and positions in lists. */
  readonly path: readonly (string | number)[];
  readonly how: 'remove' | 'null';
}

/** What is left of a record. */
export type Redaction =
  | { readonly kind: 'untouched' }
  /** The whole record is taken out. */
  | { readonly kind: 'removed' }
  | { readonly kind: 'changed'; readonly removals: readonly Removal[] };

/** Finds what has to be taken out of a record of one entity. */
export type Redact = (record: unknown) => Redaction;

const UNTOUCHED: Redaction = { kind: 'untouched' };
const REMOVED: Redaction = { kind: 'removed' };

/**
 * Makes the function that redacts an entity's records. A forgotten record is removed. What refers to it, by a property with the name
 * of its key or with the annotation `references`, goes with the nearest item of a list around it, such as an answer; outside of lists,
 * the property becomes null where the schema allows that or doesn't know the property, and else the record is removed. The values
 * are compared as text and at any depth, so that invalid records are found too.
 * @param entity may be one without a schema: then only names of properties count.
 * @returns undefined if nothing is forgotten.
 */
export function redactionOf(entity: string, contracts: Contracts, forgotten: Forgotten): Redact | undefined {
  if (forgotten.entities.size === 0) return undefined;
  const { schema = {}, key = [] } = contracts.get(entity) ?? {};
  const search = new Search(schema, key, referencesByName(contracts), forgotten);
  const isOwn = forgotten.entities.has(entity) && key.length > 0;
  return (record) => {
    if (!isObject(record)) return UNTOUCHED;
    if (
      isOwn &&
      forgotten.has(
        entity,
        key.map((name) => textOf(record[name]) ?? ''),
      )
    )
      return REMOVED;
    const removals = search.removalsIn(record);
    if (removals === undefined) return REMOVED;
    return removals.length === 0 ? UNTOUCHED : { kind: 'changed', removals };
  };
}

/** The entity whose key a property holds, by the property's name. Only keys of one property can be referred to. */
export function referencesByName(contracts: Contracts): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [entity, { key }] of contracts) {
    const [name, ...others] = key;
    if (name !== undefined && others.length === 0 && !found.has(name)) found.set(name, entity);
  }
  return found;
}

/** A value of a key as text; undefined for anything but a single value. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

/** A place in a record, with the schema of the object or list that holds it, as far as that is described. */
interface Place {
  readonly path: readonly (string | number)[];
  readonly holder: SchemaObject | undefined;
  /** The property's schema, before a `$ref` is followed. */
  readonly schema: JsonSchema | undefined;
  readonly outer: Place | undefined;
}

/** The record itself has to go. */
class WholeRecord extends Error {}

class Search {
  readonly #root: SchemaObject;
  readonly #key: ReadonlySet<string>;
  readonly #byName: ReadonlyMap<string, string>;
  readonly #forgotten: Forgotten;

  constructor(root: SchemaObject, key: readonly string[], byName: ReadonlyMap<string, string>, forgotten: Forgotten) {
    this.#root = root;
    this.#key = new Set(key);
    this.#byName = byName;
    this.#forgotten = forgotten;
  }

  /** The smallest set of removals; undefined if the whole record has to go. */
  removalsIn(record: SchemaObject): readonly Removal[] | undefined {
    const found: Removal[] = [];
    try {
      this.#visit(record, { path: [], holder: undefined, schema: this.#root, outer: undefined }, found);
    } catch (error) {
      if (error instanceof WholeRecord) return undefined;
      throw error;
    }
    return outermost(found);
  }

  #visit(value: unknown, place: Place, found: Removal[]): void {
    if (typeof value !== 'object' || value === null) return;
    const schema = this.#described(place.schema);
    if (Array.isArray(value)) {
      value.forEach((item: unknown, at) => {
        const items = schema !== undefined && isObject(schema.items) ? schema.items : undefined;
        const inner = { path: [...place.path, at], holder: schema, schema: items, outer: place };
        if (this.#isForgotten(item, this.#entityOf(undefined, items))) found.push(this.#removalOf(inner));
        else this.#visit(item, inner, found);
      });
      return;
    }
    const properties = new Map(schema === undefined ? [] : propertiesOf(schema));
    for (const [name, inner] of Object.entries(value)) {
      const property = properties.get(name);
      const at: Place = { path: [...place.path, name], holder: schema, schema: property, outer: place };
      const entity = this.#entityOf(name, property);
      if (this.#isForgotten(inner, entity)) found.push(this.#removalOf(at));
      else if (Array.isArray(inner) && entity !== undefined) this.#visitKeys(inner, at, entity, found);
      else this.#visit(inner, at, found);
    }
  }

  /** A list under the name of a key, of keys or of anything else. */
  #visitKeys(list: readonly unknown[], place: Place, entity: string, found: Removal[]): void {
    const isOne = (item: unknown): boolean => this.#isForgotten(item, entity);
    list.forEach((item, at) => {
      if (isOne(item))
        found.push(
          this.#removalOf({
            path: [...place.path, at],
            holder: this.#described(place.schema),
            schema: undefined,
            outer: place,
          }),
        );
    });
    this.#visit(
      list.map((item) => (isOne(item) ? null : item)),
      place,
      found,
    );
  }

  #entityOf(name: string | undefined, schema: JsonSchema | undefined): string | undefined {
    const { references } = schema === undefined ? {} : annotationOf(schema);
    if (references === false) return undefined;
    return references ?? (name === undefined ? undefined : this.#byName.get(name));
  }

  #isForgotten(value: unknown, entity: string | undefined): boolean {
    if (entity === undefined || !this.#forgotten.entities.has(entity)) return false;
    const text = textOf(value);
    return text !== undefined && this.#forgotten.has(entity, [text]);
  }

  /** @throws WholeRecord if nothing smaller can go. */
  #removalOf(place: Place): Removal {
    const { onForget } = place.schema === undefined ? {} : annotationOf(place.schema);
    if (onForget === 'null') return { path: place.path, how: 'null' };
    const item = nearestItem(place);
    if (item !== undefined) {
      if (typeof item.holder?.minItems === 'number' && item.holder.minItems > 0) throw new WholeRecord();
      return { path: item.path, how: 'remove' };
    }
    if (onForget === 'remove') throw new WholeRecord();
    for (let at: Place | undefined = place; at !== undefined && at.path.length > 0; at = at.outer) {
      const how = this.#howToEmpty(at);
      if (how !== undefined) return { path: at.path, how };
    }
    throw new WholeRecord();
  }

  /** How a property can be emptied while the record stays valid; undefined if it can't. */
  #howToEmpty({ path, holder, schema }: Place): Removal['how'] | undefined {
    const name = String(path.at(-1));
    if (path.length === 1 && this.#key.has(name)) return undefined;
    if (schema === undefined) return 'remove';
    const types = this.#described(schema);
    if (types !== undefined && typesOf(types)?.includes('null')) return 'null';
    return holder !== undefined && requiredOf(holder).includes(name) ? undefined : 'remove';
  }

  #described(schema: JsonSchema | undefined): SchemaObject | undefined {
    const resolved = schema === undefined ? undefined : resolve(this.#root, schema);
    return isObject(resolved) ? resolved : undefined;
  }
}

/** The innermost item of a list around a place, or the place itself. */
function nearestItem(place: Place): Place | undefined {
  for (let at: Place | undefined = place; at !== undefined; at = at.outer) {
    if (typeof at.path.at(-1) === 'number') return at;
  }
  return undefined;
}

/** Removals that are not inside what another one removes, each once. */
function outermost(removals: readonly Removal[]): Removal[] {
  const key = (path: Removal['path']): string => JSON.stringify(path);
  const all = new Map(removals.map((removal) => [key(removal.path), removal]));
  return [...all.values()].filter(
    ({ path }) => !path.some((_, length) => length > 0 && all.has(key(path.slice(0, length)))),
  );
}

/** Carries the removals out on a parsed record. */
export function withoutRemoved(record: SchemaObject, removals: readonly Removal[]): SchemaObject {
  const tree = new Map<string, Removal['how']>(removals.map(({ path, how }) => [JSON.stringify(path), how]));
  const copy = (value: unknown, path: Removal['path']): unknown => {
    if (Array.isArray(value)) {
      return value.flatMap((item: unknown, at) => {
        const how = tree.get(JSON.stringify([...path, at]));
        return how === 'remove' ? [] : [how === 'null' ? null : copy(item, [...path, at])];
      });
    }
    if (!isObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).flatMap(([name, inner]) => {
        const how = tree.get(JSON.stringify([...path, name]));
        return how === 'remove' ? [] : [[name, how === 'null' ? null : copy(inner, [...path, name])]];
      }),
    );
  };
  const copied = copy(record, []);
  return isObject(copied) ? copied : record;
}
