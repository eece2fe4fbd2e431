import type { JsonSchema } from '../../ingest/contract/json-schema.ts';
import { isColumnName } from '../../ingest/schemas.ts';
import { FORMATS, type Property, type Range, Summary } from './summary.ts';

/*
 * Turns a summary into a schema. A rule is only added if the data leaves little doubt: a missing rule admits too many records,
 * a wrong one rejects tomorrow's.
 */

/** Receives notes about an inferred schema, such as a property that was left out. */
export type Note = (sentence: string) => void;

/** With fewer values than this, a rule would be a guess. */
const ENOUGH = 20;

/** The schema for all values of a summary. */
export function describe(summary: Summary, name: string, path: string, note: Note): JsonSchema {
  const types = typesOf(summary);
  if (summary.isDeep) note(`${path || '/'} is nested too deep to be described, so it is any JSON.`);
  const [only, ...others] = types;
  if (only === undefined || summary.isDeep) return {};
  const orNull = summary.nulls > 0 ? ['null'] : [];
  if (others.length > 0) {
    for (const rare of rareTypes(summary))
      note(`${path || '/'} ${rare}: remove the type from the schema to reject them.`);
    return { type: [...types, ...orNull] };
  }
  const values = only === 'string' ? enumeration(summary, name) : undefined;
  if (values !== undefined) return { enum: [...values, ...(orNull.length > 0 ? [null] : [])] };
  return { type: orNull.length > 0 ? [only, ...orNull] : only, ...rulesOf(only, summary, name, path, note) };
}

/** Types that so few values have that they are probably mistakes. */
function rareTypes({ count, nulls, booleans, integers, decimals, texts, lists, objects }: Summary): string[] {
  const given = count - nulls;
  const kinds: [times: number, is: string][] = [
    [booleans, 'true or false'],
    [integers.count + decimals.count, 'a number'],
    [texts, 'a string'],
    [lists, 'a list'],
    [objects, 'an object'],
  ];
  return kinds
    .filter(([times]) => times > 0 && times * 20 <= given)
    .map(([times, is]) => `is ${is} in only ${times} of ${given} values`);
}

function typesOf(summary: Summary): string[] {
  const number = summary.decimals.count > 0 ? 'number' : 'integer';
  return [
    ...(summary.booleans > 0 ? ['boolean'] : []),
    ...(summary.integers.count + summary.decimals.count > 0 ? [number] : []),
    ...(summary.texts > 0 ? ['string'] : []),
    ...(summary.lists > 0 ? ['array'] : []),
    ...(summary.objects > 0 ? ['object'] : []),
  ];
}

function rulesOf(type: string, summary: Summary, name: string, path: string, note: Note): object {
  switch (type) {
    case 'integer':
    case 'number':
      return bounds(summary, name);
    case 'string':
      return textRules(summary);
    case 'array':
      return summary.items === undefined ? {} : { items: describe(summary.items, name, `${path}/[]`, note) };
    case 'object':
      return objectRules(summary, path, note);
    default:
      return {};
  }
}

const LATITUDE = /^(lat|latitude)$|_lat$|_latitude$|Lat(itude)?$/;
const LONGITUDE = /^(lon|lng|long|longitude)$|_(lon|lng|longitude)$|(Lon|Lng|Longitude)$/;
const MOMENT = /(^|_)(at|on|ts|time|timestamp|when|date|created|updated|joined|start|end|moment)$|(At|On|Time|Date)$/i;
/** From 2000 to the end of 2099, in milliseconds. */
const MOMENTS = { from: 946_684_800_000, to: 4_102_444_799_999 };

/** Bounds that are suggested by the name and respected by all values, or a natural lower bound that the data reaches. */
function bounds({ integers, decimals }: Summary, name: string): object {
  const isInteger = decimals.count === 0;
  const all = { min: Math.min(integers.min, decimals.min), max: Math.max(integers.max, decimals.max) };
  if (LATITUDE.test(name) && all.min >= -90 && all.max <= 90) return { minimum: -90, maximum: 90 };
  if (LONGITUDE.test(name) && all.min >= -180 && all.max <= 180) return { minimum: -180, maximum: 180 };
  if (!isInteger) return {};
  if (MOMENT.test(name) && isWithin(integers, MOMENTS)) return { minimum: 0, maximum: MOMENTS.to };
  return integers.count >= ENOUGH && (all.min === 0 || all.min === 1) ? { minimum: all.min } : {};
}

const isWithin = (range: Range, { from, to }: { from: number; to: number }): boolean =>
  range.min >= from && range.max <= to;

const TWO_LETTERS = /^[A-Z]{2}$/;

function textRules(summary: Summary): object {
  const format = FORMATS.find((one) => summary.formats.has(one));
  if (format !== undefined) return { format };
  const { distinct, texts } = summary;
  const isCode =
    distinct !== undefined && texts >= ENOUGH && [...distinct.keys()].every((text) => TWO_LETTERS.test(text));
  return isCode ? { pattern: TWO_LETTERS.source } : {};
}

/** A word without spaces, in one case, as written by programs and not by people. */
const CODE = /^[a-z0-9]+(?:[_-][a-z0-9]+)*$|^[A-Z0-9]+(?:[_-][A-Z0-9]+)*$/;
/** Names of properties with free text, which are not enumerations even if they have few values. */
const OWN_WORDS = /(name|city|town|place|street|address|country|title|description|comment|note|text)$/i;

/** The values of a text property with only few distinct values, each of which occurs many times. */
function enumeration({ distinct, texts, formats }: Summary, name: string): string[] | undefined {
  if (distinct === undefined || formats.size > 0 || texts < ENOUGH) return undefined;
  const values = [...distinct.keys()].sort();
  if (values.every((value) => TWO_LETTERS.test(value)) || OWN_WORDS.test(name)) return undefined;
  if (values.some((value) => value.trim() === '' || value.length > 30) || Math.min(...distinct.values()) < 2)
    return undefined;
  const isCode = values.every((value) => CODE.test(value));
  const [most, times] = isCode ? [12, 5] : [8, 15];
  return values.length <= most && texts >= values.length * times ? values : undefined;
}

/** If objects have this many keys, each in few objects, the keys are data. */
const MANY_KEYS = { names: 30, share: 0.2 };

function objectRules(summary: Summary, path: string, note: Note): object {
  const { properties, objects } = summary;
  if (properties === undefined) return mapRules(summary.merged ?? new Summary(), path, note);
  const present = [...properties.values()].reduce((sum, { values }) => sum + values.count, 0);
  if (path !== '' && properties.size > MANY_KEYS.names && present < properties.size * objects * MANY_KEYS.share) {
    const all = new Summary();
    for (const { values } of properties.values()) all.merge(values);
    return mapRules(all, path, note);
  }
  const listed = listable([...properties].sort(byPlace), path, note);
  if (listed.length === 0) return {};
  const required = listed.filter(([, { values }]) => values.count === objects).map(([name]) => name);
  return {
    ...(required.length > 0 ? { required } : {}),
    properties: Object.fromEntries(
      listed.map(([name, { values }]) => [name, describe(values, name, `${path}/${name}`, note)]),
    ),
  };
}

/** The rules for objects whose keys are data: only their values can be described. */
function mapRules(values: Summary, path: string, note: Note): object {
  note(`${path} has too many different keys to list, so it is kept as JSON.`);
  return { additionalProperties: describe(values, '', `${path}/*`, note) };
}

/** Sorts properties by their usual position in the records. */
function byPlace([a, one]: readonly [string, Property], [b, other]: readonly [string, Property]): number {
  const place = one.positions / one.values.count - other.positions / other.values.count;
  return place || (a < b ? -1 : 1);
}

/** The properties that can be columns; `load` drops unlisted ones. */
function listable(
  properties: readonly (readonly [string, Property])[],
  path: string,
  note: Note,
): readonly (readonly [string, Property])[] {
  const leaveOut = (name: string, why: string): boolean => {
    note(`The property ${JSON.stringify(name)} of ${path || '/'} is left out, because ${why}.`);
    return false;
  };
  const count = new Map(properties.map(([name, { values }]) => [name, values.count]));
  const rival = (name: string): string | undefined =>
    [...count.keys()].find(
      (other) =>
        other !== name &&
        other.toLowerCase() === name.toLowerCase() &&
        ((count.get(other) ?? 0) - (count.get(name) ?? 0) || (other < name ? 1 : -1)) > 0,
    );
  return properties.filter(([name]) => {
    if (!isColumnName(name, path === '')) return leaveOut(name, 'it is not a valid column name');
    const other = rival(name);
    return other === undefined || leaveOut(name, `it differs from ${JSON.stringify(other)} only in case`);
  });
}
