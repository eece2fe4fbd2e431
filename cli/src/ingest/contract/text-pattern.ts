import { type Certain, type CertainObject, certainRecords } from './certain.ts';
import type { ColumnType } from './column-types.ts';
import type { JsonSchema } from './json-schema.ts';
import { expectedKeys, type KeyOrders } from './key-order.ts';
import { anyOf, decimalPattern, integerPattern } from './number-pattern.ts';
import { plainString, stringPattern } from './string-pattern.ts';

/*
 * The fast check. A schema becomes a regular expression (RE2) over the JSON text of a record. A text that matches and that
 * DuckDB's parser accepts
 *
 * - is JSON: no NaN and no trailing comma, both of which DuckDB's parser accepts;
 * - has no listed key twice: each has one place in the pattern;
 * - satisfies the schema;
 * - and is read into the columns as JSON.parse would read it: no string for a number, no 1.5 for an integer.
 *
 * It need not match every such text. A schema that can't be expressed as a pattern (`undefined` here) matches nothing, and all
 * its records go to ajv. landing/spark-check.ts says the same in Spark's SQL.
 */

const SPACE = '\\s*';
const NUMBER = '-?[0-9]+(?:\\.[0-9]+)?(?:[eE][-+]?[0-9]+)?';

/** The largest list length that a pattern counts. */
const MOST_COUNTED = 40;

/** The longest pattern (characters) that RE2 is asked to compile. */
const LONGEST = 100_000;

/** The pattern of records that are certainly valid, without surrounding white space; undefined if there is none. */
export function textPattern(root: JsonSchema, column: ColumnType, orders: KeyOrders): string | undefined {
  const certain = certainRecords(root, column);
  const pattern = certain && patternOf(certain, orders);
  return pattern !== undefined && pattern.length > LONGEST ? undefined : pattern;
}

function patternOf(certain: Certain, orders: KeyOrders): string | undefined {
  switch (certain.kind) {
    case 'null':
      return 'null';
    case 'boolean':
      return '(?:true|false)';
    case 'integer':
      return integerPattern(certain.low, certain.high);
    case 'decimal':
      return decimalPattern(certain.low, certain.high);
    case 'text':
      return stringPattern(certain.rule);
    case 'constant':
      return anyOf(certain.values.map((value) => literally(JSON.stringify(value))));
    case 'list':
      return listPattern(certain, orders);
    case 'object':
      return objectPattern(certain, orders);
    case 'any':
      return certain.isDropped ? anyValue(2, true) : anyValue(1, false);
    case 'json':
      return patternOf(certain.of, orders);
    case 'either':
      return anyOf(certain.of.map((one) => patternOf(one, orders)));
  }
}

function listPattern({ item, least, most }: Extract<Certain, { kind: 'list' }>, orders: KeyOrders): string | undefined {
  if (least > MOST_COUNTED || (most !== undefined && (most > MOST_COUNTED || most < least))) return undefined;
  const pattern = item && patternOf(item, orders);
  if (pattern === undefined || most === 0) return least === 0 ? `\\[${SPACE}\\]` : undefined;
  return listOf(pattern, least, most);
}

/**
 * A list of items. The pattern has to require the comma between two items although DuckDB's parser does too: otherwise 416 would
 * match as 41 and 6.
 */
function listOf(item: string, least: number, most: number | undefined): string {
  const others = `{${Math.max(least - 1, 0)},${most === undefined ? '' : most - 1}}`;
  const items = `${item}${SPACE}(?:,${SPACE}${item}${SPACE})${others === '{0,}' ? '*' : others}`;
  return `\\[${SPACE}${least === 0 ? `(?:${items})?` : items}\\]`;
}

function objectPattern({ schema, listed, required, unlisted }: CertainObject, orders: KeyOrders): string | undefined {
  const keys = expectedKeys(orders, schema);
  if (required.some((key) => !keys.includes(key))) return undefined;
  const inAnyCase = new Set([...listed.keys()].map((key) => key.toLowerCase()));
  const places: string[] = [];
  for (const key of keys) {
    // An unlisted key that DuckDB could confuse with a listed one is left to ajv.
    const certain = listed.has(key) ? listed.get(key) : inAnyCase.has(key.toLowerCase()) ? undefined : unlisted;
    const value = certain && patternOf(certain, orders);
    if (value === undefined && required.includes(key)) return undefined;
    if (value === undefined) continue;
    const place = `(?:,?${SPACE}${literally(JSON.stringify(key))}${SPACE}:${SPACE}${value}${SPACE})`;
    places.push(required.includes(key) ? place : `${place}?`);
  }
  return `\\{${SPACE}${places.join('')}\\}`;
}

/** Any JSON value that isn't nested too deeply. Objects may repeat keys, so this is only for values that are dropped. */
function anyValue(depth: number, hasObjects: boolean): string {
  const scalar = `${plainString}|${hasObjects ? NUMBER : (decimalPattern(-1e15, 1e15) ?? '0')}|true|false|null`;
  if (depth === 0) return `(?:${scalar})`;
  const inner = anyValue(depth - 1, hasObjects);
  const list = listOf(inner, 0, undefined);
  const object = `\\{${SPACE}(?:,?${SPACE}${plainString}${SPACE}:${SPACE}${inner}${SPACE})*\\}`;
  return `(?:${[scalar, list, ...(hasObjects ? [object] : [])].join('|')})`;
}

/** A pattern that matches exactly this text. */
function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
