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

type Step = string | number;

/** A schema with what it says about references; looked up once, because there are millions of values. */
interface Described {
  /** Without a `$ref`; undefined if it can't be followed. */
  readonly schema: SchemaObject | undefined;
  readonly references: string | false | undefined;
  readonly onForget: 'remove' | 'null' | undefined;
  readonly properties: ReadonlyMap<string, JsonSchema>;
  readonly items: JsonSchema | undefined;
}

/** A place in a record, and where the schema describes it. */
interface Place {
  readonly step: Step;
  readonly described: Described | undefined;
  /** The object or list that holds it; undefined if that is the record. */
  readonly outer: Place | undefined;
  /** The schema of what holds it. */
  readonly holder: Described | undefined;
}

/** The record itself has to go. */
class WholeRecord extends Error {}

class Search {
  readonly #root: SchemaObject;
  readonly #key: ReadonlySet<string>;
  readonly #byName: ReadonlyMap<string, string>;
  readonly #forgotten: Forgotten;
  readonly #described = new Map<JsonSchema, Described>();

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
      this.#visit(record, undefined, this.#describe(this.#root), found);
    } catch (error) {
      if (error instanceof WholeRecord) return undefined;
      throw error;
    }
    return outermost(found);
  }

  #visit(value: unknown, outer: Place | undefined, holder: Described | undefined, found: Removal[]): void {
    if (typeof value !== 'object' || value === null) return;
    if (Array.isArray(value)) this.#visitItems(value, outer, holder, undefined, found);
    else this.#visitProperties(value, outer, holder, found);
  }

  #visitProperties(value: object, outer: Place | undefined, holder: Described | undefined, found: Removal[]): void {
    for (const [name, inner] of Object.entries(value)) {
      const described = this.#describe(holder?.properties.get(name));
      const entity = this.#entityOf(name, described);
      const isSingle = typeof inner !== 'object' || inner === null;
      if (isSingle && !this.#isForgotten(inner, entity)) continue;
      const place: Place = { step: name, described, outer, holder };
      if (isSingle) found.push(this.#removalOf(place));
      // A list under the name of a key holds keys, if anything.
      else if (Array.isArray(inner)) this.#visitItems(inner, place, described, entity, found);
      else this.#visit(inner, place, described, found);
    }
  }

  #visitItems(
    list: readonly unknown[],
    outer: Place | undefined,
    holder: Described | undefined,
    entity: string | undefined,
    found: Removal[],
  ): void {
    const described = this.#describe(holder?.items);
    const held = this.#entityOf(undefined, described) ?? entity;
    list.forEach((item, step) => {
      if (typeof item === 'object' && item !== null)
        this.#visit(item, { step, described, outer, holder }, described, found);
      else if (this.#isForgotten(item, held)) found.push(this.#removalOf({ step, described, outer, holder }));
    });
  }

  #entityOf(name: string | undefined, described: Described | undefined): string | undefined {
    if (described?.references === false) return undefined;
    return described?.references ?? (name === undefined ? undefined : this.#byName.get(name));
  }

  #isForgotten(value: unknown, entity: string | undefined): boolean {
    if (entity === undefined || !this.#forgotten.entities.has(entity)) return false;
    const text = textOf(value);
    return text !== undefined && this.#forgotten.has(entity, [text]);
  }

  /** @throws WholeRecord if nothing smaller can go. */
  #removalOf(place: Place): Removal {
    const onForget = place.described?.onForget;
    if (onForget === 'null') return { path: pathOf(place), how: 'null' };
    const item = nearestItem(place);
    if (item !== undefined) {
      const least = item.holder?.schema?.minItems;
      if (typeof least === 'number' && least > 0) throw new WholeRecord();
      return { path: pathOf(item), how: 'remove' };
    }
    if (onForget === 'remove') throw new WholeRecord();
    for (let at: Place | undefined = place; at !== undefined; at = at.outer) {
      const how = this.#howToEmpty(at);
      if (how !== undefined) return { path: pathOf(at), how };
    }
    throw new WholeRecord();
  }

  /** How a property can be emptied while the record stays valid; undefined if it can't. */
  #howToEmpty({ step, outer, holder, described }: Place): Removal['how'] | undefined {
    const name = String(step);
    if (outer === undefined && this.#key.has(name)) return undefined;
    if (described === undefined) return 'remove';
    if (described.schema !== undefined && typesOf(described.schema)?.includes('null')) return 'null';
    return holder?.schema !== undefined && requiredOf(holder.schema).includes(name) ? undefined : 'remove';
  }

  #describe(schema: JsonSchema | undefined): Described | undefined {
    if (schema === undefined) return undefined;
    const known = this.#described.get(schema);
    if (known !== undefined) return known;
    const followed = resolve(this.#root, schema);
    const resolved = isObject(followed) ? followed : undefined;
    // What is said where the definition is used takes precedence over what the definition says.
    const said = { ...(resolved === undefined ? {} : annotationOf(resolved)), ...annotationOf(schema) };
    const described: Described = {
      schema: resolved,
      references: said.references,
      onForget: said.onForget,
      properties: new Map(resolved === undefined ? [] : propertiesOf(resolved)),
      items: isObject(resolved?.items) ? resolved.items : undefined,
    };
    this.#described.set(schema, described);
    return described;
  }
}

function pathOf(place: Place): Step[] {
  const path: Step[] = [];
  for (let at: Place | undefined = place; at !== undefined; at = at.outer) path.unshift(at.step);
  return path;
}

/** The innermost item of a list around a place, or the place itself. */
function nearestItem(place: Place): Place | undefined {
  for (let at: Place | undefined = place; at !== undefined; at = at.outer) {
    if (typeof at.step === 'number') return at;
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
