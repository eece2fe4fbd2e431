import { isObject } from '../../ingest/contract/json-schema.ts';
import { newAjv } from '../../ingest/schemas.ts';
import { DECIMAL } from './marked-numbers.ts';

/*
 * What all values at one place in the records have in common. Summaries only count, collect and compare, so that they don't
 * depend on the order of the records.
 */

/** The formats of texts, most specific first. */
export const FORMATS = ['date-time', 'date', 'uuid', 'email', 'uri'] as const;
export type Format = (typeof FORMATS)[number];

/** With more distinct texts than this, it isn't an enumeration. */
const MOST_TEXTS = 100;
/** With more distinct keys than this, they are data, not properties. */
export const MOST_KEYS = 1000;
/** Values that are nested more deeply are described as any JSON. */
const DEEPEST = 30;

export interface Range {
  count: number;
  min: number;
  max: number;
}
const noRange = (): Range => ({ count: 0, min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY });

/** A property: its values, and its usual position among the others. */
export interface Property {
  readonly values: Summary;
  /** The sum of its positions (from 0). */
  positions: number;
}

export class Summary {
  /** The number of values, including nulls. */
  count = 0;
  nulls = 0;
  booleans = 0;
  readonly integers = noRange();
  readonly decimals = noRange();
  /** The number of numbers that JavaScript and DuckDB can't store exactly. */
  inexact = 0;
  texts = 0;
  /** How often each text occurs; undefined if there are too many. */
  distinct: Map<string, number> | undefined = new Map();
  readonly formats = new Set<Format>(FORMATS);
  lists = 0;
  /** All items of all lists; undefined if there are none. */
  items: Summary | undefined;
  objects = 0;
  /** Undefined if there are too many distinct keys: then `merged` has their values. */
  properties: Map<string, Property> | undefined = new Map();
  merged: Summary | undefined;
  /** Whether some values are nested too deeply to be examined. */
  isDeep = false;

  add(value: unknown, depth = 0): void {
    if (depth > DEEPEST) {
      this.isDeep = true;
      return;
    }
    this.count += 1;
    if (value === null) this.nulls += 1;
    else if (typeof value === 'boolean') this.booleans += 1;
    else if (typeof value === 'number') widen(Number.isInteger(value) ? this.integers : this.decimals, value);
    else if (typeof value === 'string') this.#addText(value);
    else if (Array.isArray(value)) this.#addList(value, depth);
    else if (isObject(value)) this.#addObject(value, depth);
  }

  #addText(text: string): void {
    if (text.startsWith(DECIMAL)) {
      const token = text.slice(DECIMAL.length);
      const isWhole = /^-?\d+$/.test(token);
      if (isWhole || !Number.isFinite(Number(token))) this.inexact += 1;
      widen(isWhole ? this.integers : this.decimals, Number(token));
      return;
    }
    this.texts += 1;
    for (const format of this.formats) if (!keepsFormat(text, format)) this.formats.delete(format);
    if (this.distinct === undefined) return;
    this.distinct.set(text, (this.distinct.get(text) ?? 0) + 1);
    if (this.distinct.size > MOST_TEXTS) this.distinct = undefined;
  }

  #addList(list: readonly unknown[], depth: number): void {
    this.lists += 1;
    for (const item of list) {
      this.items ??= new Summary();
      this.items.add(item, depth + 1);
    }
  }

  #addObject(object: object, depth: number): void {
    this.objects += 1;
    for (const [position, [key, value]] of Object.entries(object).entries()) {
      if (this.properties === undefined) {
        this.merged ??= new Summary();
        this.merged.add(value, depth + 1);
        continue;
      }
      const property = this.properties.get(key) ?? { values: new Summary(), positions: 0 };
      this.properties.set(key, property);
      property.values.add(value, depth + 1);
      property.positions += position;
      if (this.properties.size > MOST_KEYS) this.#mergeProperties();
    }
  }

  #mergeProperties(): void {
    if (this.properties === undefined) return;
    this.merged ??= new Summary();
    for (const { values } of this.properties.values()) this.merged.merge(values);
    this.properties = undefined;
  }

  /** Adds everything in another summary. */
  merge(other: Summary): void {
    for (const key of ['count', 'nulls', 'booleans', 'inexact', 'texts', 'lists', 'objects'] as const) {
      this[key] += other[key];
    }
    this.isDeep ||= other.isDeep;
    join(this.integers, other.integers);
    join(this.decimals, other.decimals);
    for (const format of this.formats) if (!other.formats.has(format)) this.formats.delete(format);
    this.distinct = bothTexts(this.distinct, other.distinct);
    if (other.items !== undefined) {
      this.items ??= new Summary();
      this.items.merge(other.items);
    }
    this.#mergeObjects(other);
  }

  #mergeObjects(other: Summary): void {
    if (other.properties === undefined) this.#mergeProperties();
    for (const [key, { values, positions }] of other.properties ?? []) {
      if (this.properties === undefined) {
        this.merged ??= new Summary();
        this.merged.merge(values);
        continue;
      }
      const mine = this.properties.get(key) ?? { values: new Summary(), positions: 0 };
      this.properties.set(key, mine);
      mine.values.merge(values);
      mine.positions += positions;
      if (this.properties.size > MOST_KEYS) this.#mergeProperties();
    }
    if (other.merged !== undefined) {
      this.merged ??= new Summary();
      this.merged.merge(other.merged);
    }
  }
}

function widen(range: Range, value: number): void {
  range.count += 1;
  range.min = Math.min(range.min, value);
  range.max = Math.max(range.max, value);
}

function join(range: Range, other: Range): void {
  range.count += other.count;
  range.min = Math.min(range.min, other.min);
  range.max = Math.max(range.max, other.max);
}

function bothTexts(
  ours: Map<string, number> | undefined,
  theirs: ReadonlyMap<string, number> | undefined,
): Map<string, number> | undefined {
  if (ours === undefined || theirs === undefined) return undefined;
  for (const [text, times] of theirs) ours.set(text, (ours.get(text) ?? 0) + times);
  return ours.size > MOST_TEXTS ? undefined : ours;
}

/** The same ajv as in `load`; shared because creating one is expensive. */
export const ajv = newAjv();
/** Checks whether a text has a format, with the same validator as `load`. */
const formatValidators = new Map(FORMATS.map((format) => [format, ajv.compile({ type: 'string', format })]));

/** Stricter for URIs, because by the standard any `a:b` is one. */
const keepsFormat = (text: string, format: Format): boolean =>
  (format !== 'uri' || text.includes('://')) && formatValidators.get(format)?.(text) === true;
