import {
  isObject,
  isSchema,
  type JsonSchema,
  propertiesOf,
  resolve,
  type SchemaObject,
} from '../../src/ingest/contract/json-schema.ts';

/* Random schemas of every kind, and records that are mostly valid. */

type Random = () => number;
const below = (random: Random, count: number): number => Math.floor(random() * count);
const chance = (random: Random, share: number): boolean => random() < share;
function pick<T>(random: Random, list: readonly T[]): T {
  const at = below(random, list.length);
  for (const item of list.slice(at, at + 1)) return item;
  throw new RangeError('There is nothing to pick from.');
}

const NAMES = ['id', 'name', 'select', 'when', 'a b', 'ü', 'q"t', 'b\\s', '_x', 'a/b', '$', 'nested', 'Tags'];
const PATTERNS = [
  '^[A-Za-z]{2}$',
  '^\\d+(?:-\\d{2})?$',
  '^(?:ab|cd)+$',
  '^[a-z0-9_.-]+$',
  'a',
  '^a|b$',
  '^.{1,3}$',
  '^[^x]*$',
  '^\\p{L}+$',
];
const FORMATS = ['uri', 'date', 'date-time', 'uuid', 'email', 'ipv4', 'time'];
const TEXTS = [
  'nl',
  'abcd',
  '12-34',
  '',
  'a',
  'ü☕',
  '🎉🎉',
  'a"b\\c/d',
  '}{][,:',
  'NaN',
  '7',
  'null',
  '2026-01-31',
  '2026-02-30',
  '2026-01-28T10:00:00Z',
  '2026-01-28t10:00:00.5+02:00',
  'https://example.org/a.b~c',
  'http://x',
  'https://a..b',
  'a@b.nl',
  'A.b@c',
  '123e4567-e89b-12d3-a456-426614174000',
  '10.0.0.1',
  'line\nbreak',
  '\u0000',
  'x'.repeat(120),
];
const NUMBERS = [
  '0',
  '1',
  '-1',
  '7',
  '10',
  '99',
  '100',
  '1000',
  '-0',
  '1.0',
  '1.5',
  '-2.25',
  '1e3',
  '1E-2',
  '0.1',
  '999999999999999',
];
const HUGE = [
  '1000000000000000',
  '9007199254740991',
  '9007199254740993',
  '1152921504606846976',
  '1e20',
  '1e400',
  '-1e400',
];
const VALUES = ['a', 'b', 'a"b', 'ü', 0, 1, -5, 1.5, true, false, null, 'NaN'];

export function generateSchema(random: Random): SchemaObject {
  const definitions = { small: scalarSchema(random), pair: objectSchema(random, 1) };
  return { ...objectSchema(random, 3), $defs: definitions };
}

function objectSchema(random: Random, depth: number): SchemaObject {
  const names = NAMES.filter(() => chance(random, 0.4));
  const chosen = names.length === 0 ? ['id'] : names;
  const properties = Object.fromEntries(chosen.map((name) => [name, anySchema(random, depth - 1)]));
  const additional = pick(random, [undefined, undefined, true, false, { type: 'integer' }]);
  return {
    type: 'object',
    properties,
    ...(chance(random, 0.5) ? { required: chosen.filter(() => chance(random, 0.5)) } : {}),
    ...(additional === undefined ? {} : { additionalProperties: additional }),
    ...(chance(random, 0.3) ? relations(random, chosen) : {}),
  };
}

/** Rules about several properties, or about those that aren't listed. */
function relations(random: Random, names: readonly string[]): SchemaObject {
  const [one, other] = [pick(random, names), pick(random, names)];
  const kind = below(random, 6);
  if (kind === 0) return { patternProperties: { [pick(random, ['^x_', 'a$'])]: scalarSchema(random) } };
  if (kind === 1) return { dependentRequired: { [one]: [other] } };
  if (kind === 2) return { unevaluatedProperties: pick(random, [false, { type: 'integer' }]) };
  if (kind === 3) return { allOf: [{ required: [one] }, { properties: { [other]: scalarSchema(random) } }] };
  if (kind === 4) return { minProperties: 1 + below(random, 3), propertyNames: { maxLength: 5 } };
  return {
    if: { properties: { [one]: { const: pick(random, VALUES) } }, required: [one] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: { required: [other] },
    ...(chance(random, 0.5) ? { else: { properties: { [other]: scalarSchema(random) } } } : {}),
  };
}

function anySchema(random: Random, depth: number): JsonSchema {
  const kind = random();
  if (depth > 0 && kind < 0.15) return nullable(random, objectSchema(random, depth));
  if (depth > 0 && kind < 0.35) return nullable(random, arraySchema(random, depth));
  if (kind < 0.42) return { $ref: pick(random, ['#/$defs/small', '#/$defs/pair']) };
  if (kind < 0.5) return { [pick(random, ['anyOf', 'oneOf'])]: [scalarSchema(random), scalarSchema(random)] };
  if (kind < 0.53) return pick(random, [true, {}, false]);
  if (kind < 0.57) return { type: 'integer', multipleOf: 3 };
  if (kind < 0.6) return { type: 'string', not: { const: 'a' } };
  return scalarSchema(random);
}

function nullable(random: Random, schema: SchemaObject): SchemaObject {
  return chance(random, 0.3) && typeof schema.type === 'string' ? { ...schema, type: [schema.type, 'null'] } : schema;
}

function arraySchema(random: Random, depth: number): SchemaObject {
  if (chance(random, 0.15)) {
    const prefixItems = [scalarSchema(random), anySchema(random, depth - 1)];
    return { type: 'array', prefixItems, ...pick(random, [{}, { items: false }, { items: { type: 'integer' } }]) };
  }
  if (chance(random, 0.1)) return { type: 'array', contains: scalarSchema(random), minContains: 1, maxContains: 2 };
  return {
    type: 'array',
    ...(chance(random, 0.9) ? { items: anySchema(random, depth - 1) } : {}),
    ...(chance(random, 0.2) ? { minItems: 1 } : {}),
    ...(chance(random, 0.2) ? { maxItems: below(random, 4) } : {}),
    ...(chance(random, 0.1) ? { uniqueItems: true } : {}),
  };
}

function scalarSchema(random: Random): SchemaObject {
  const kind = below(random, 10);
  if (kind === 9)
    return pick(random, [{ minLength: 1 }, { minimum: 3, pattern: '^a' }, { type: 'number', multipleOf: 0.25 }]);
  if (kind === 0) return { enum: [...new Set(Array.from({ length: 3 }, () => pick(random, VALUES)))] };
  if (kind === 1) return { const: pick(random, VALUES) };
  if (kind === 2) return nullable(random, { type: 'boolean' });
  if (kind === 3) return { type: ['string', 'integer'] };
  if (kind <= 5) return nullable(random, stringSchema(random));
  return nullable(random, numberSchema(random, kind === 6 ? 'number' : 'integer'));
}

function stringSchema(random: Random): SchemaObject {
  const rule = below(random, 5);
  if (rule === 0) return { type: 'string', pattern: pick(random, PATTERNS) };
  if (rule === 1) return { type: 'string', format: pick(random, FORMATS) };
  if (rule === 2) return { type: 'string', minLength: below(random, 4) };
  if (rule === 3) return { type: 'string', minLength: 1, maxLength: 1 + below(random, 4) };
  return { type: 'string' };
}

function numberSchema(random: Random, type: string): SchemaObject {
  const bound = (): number => below(random, 2000) - 1000 + (type === 'number' && chance(random, 0.3) ? 0.5 : 0);
  const low = bound();
  return {
    type,
    ...(chance(random, 0.4) ? { [pick(random, ['minimum', 'exclusiveMinimum'])]: chance(random, 0.5) ? 0 : low } : {}),
    ...(chance(random, 0.4) ? { [pick(random, ['maximum', 'exclusiveMaximum'])]: Math.abs(low) + 10 } : {}),
  };
}

/** The JSON text of a record: mostly valid, sometimes with duplicate, unlisted or reordered keys, or values of another type. */
export function recordText(root: SchemaObject, random: Random): string {
  return chance(random, 0.03) ? looseText(random, 2) : textFor(root, root, random, 0);
}

function textFor(root: SchemaObject, schema: JsonSchema, random: Random, depth: number): string {
  if (chance(random, 0.04)) return looseText(random, 2);
  const resolved = resolve(root, schema);
  if (!isObject(resolved) || depth > 6) return looseText(random, 1);
  const branches = [resolved.anyOf, resolved.oneOf].find((list) => Array.isArray(list));
  if (Array.isArray(branches)) return textFor(root, pick(random, branches.filter(isSchema)), random, depth + 1);
  if (Array.isArray(resolved.enum)) return scalarText(pick(random, resolved.enum), random);
  if ('const' in resolved) return scalarText(resolved.const, random);
  const types: readonly unknown[] = Array.isArray(resolved.type) ? resolved.type : [resolved.type];
  switch (pick(random, types)) {
    case 'object':
      return objectText(root, resolved, random, depth);
    case 'array': {
      const items = isSchema(resolved.items) ? resolved.items : isSchema(resolved.contains) ? resolved.contains : true;
      const first = Array.isArray(resolved.prefixItems) ? resolved.prefixItems.filter(isSchema) : [];
      const item = (_: unknown, at: number): string => textFor(root, first[at] ?? items, random, depth + 1);
      return `[${Array.from({ length: below(random, 4) }, item).join(pick(random, [',', ' , ']))}]`;
    }
    case 'string':
      return scalarText(pick(random, TEXTS), random);
    case 'integer':
      return chance(random, 0.03) ? pick(random, HUGE) : String(below(random, 2200) - 1100);
    case 'number':
      return chance(random, 0.03)
        ? pick(random, HUGE)
        : pick(random, [...NUMBERS, ((random() - 0.5) * 2200).toFixed(below(random, 6))]);
    case 'boolean':
      return pick(random, ['true', 'false']);
    case 'null':
      return 'null';
    default:
      return looseText(random, 1);
  }
}

function objectText(root: SchemaObject, schema: SchemaObject, random: Random, depth: number): string {
  const required: readonly unknown[] = Array.isArray(schema.required) ? schema.required : [];
  const members = propertiesOf(schema).flatMap(([name, property]) =>
    chance(random, required.includes(name) ? 0.98 : 0.7) ? [[name, textFor(root, property, random, depth + 1)]] : [],
  );
  const odd = random();
  const other = (): string[] => [pick(random, [...NAMES, 'ID', 'extra', 'x_1']), looseText(random, 2)];
  if (odd < 0.06) members.push(other());
  else if (odd < 0.1) members.unshift(other());
  else if (odd < 0.14) members.reverse();
  const colon = pick(random, [':', ':', ':', ' : ', ':\t']);
  return `{${members.map(([name = '', text = '']) => `${scalarText(name, random)}${colon}${text}`).join(',')}}`;
}

/** A value as JSON, sometimes with letters written as escapes. */
function scalarText(value: unknown, random: Random): string {
  const text = JSON.stringify(value);
  if (typeof value !== 'string' || value === '' || !chance(random, 0.05)) return text;
  return text.replace(/[a-z](?![^"]*\\)/, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function looseText(random: Random, depth: number): string {
  const kind = random();
  if (depth > 0 && kind < 0.15) return `[${looseText(random, depth - 1)},${looseText(random, depth - 1)}]`;
  if (depth > 0 && kind < 0.3) return `{"id":${looseText(random, depth - 1)},"id":${looseText(random, depth - 1)}}`;
  if (kind < 0.4) return pick(random, ['null', 'true', 'false', '[]', '{}', '[null]', '[[]]']);
  if (kind < 0.45) return pick(random, HUGE);
  return kind < 0.7 ? pick(random, NUMBERS) : scalarText(pick(random, TEXTS), random);
}
