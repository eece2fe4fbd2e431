import { type Certain, type CertainObject, certainRecords } from '../ingest/contract/certain.ts';
import type { ColumnType } from '../ingest/contract/column-types.ts';
import type { JsonSchema } from '../ingest/contract/json-schema.ts';
import type { TextRule } from '../ingest/contract/text-rule.ts';
import { quoteText } from '../warehouse/databricks-sql.ts';

/*
 * The fast check in Spark's SQL: what text-pattern.ts is in DuckDB. A regular expression over whole records would overflow the stack of
 * Java's engine, so a record is taken apart as a variant instead: it knows the type of each value as it is written, and a text in
 * which a key is repeated can't become one. What a column keeps as text is left to the schema, because Spark would write it otherwise
 * than JSON.stringify does.
 */

/** Integers of at most 15 digits are read exactly by everybody. */
const MOST = 999_999_999_999_999;
/** The longest text (characters) that Java's engine matches with an expression, because it needs stack for each repetition. */
const LONGEST_MATCHED = 1000;

/**
 * A condition that holds for the texts of records that are certainly valid; undefined if there are none.
 * @param text an expression for a text that is JSON.
 */
export function sparkCheck(root: JsonSchema, column: ColumnType, text: string): string | undefined {
  const certain = certainRecords(root, column);
  const check = certain && checkOf(certain, `try_parse_json(${text})`, 0);
  // Half a surrogate pair is for the schema's judge to find.
  return check && `(not contains(lower(${text}), ${quoteText('\\ud')}) and coalesce(${check}, false))`;
}

/**
 * A condition on a variant, null or true where it doesn't hold or does; undefined if it never holds.
 * @param value an expression for the variant; null if it isn't there.
 * @param depth how many variables of lambdas are taken.
 */
function checkOf(certain: Certain, value: string, depth: number): string | undefined {
  switch (certain.kind) {
    case 'null':
      return `is_variant_null(${value})`;
    case 'boolean':
      return isOf(value, 'BOOLEAN');
    case 'integer':
      return numberCheck(value, isOf(value, 'BIGINT'), Math.ceil(certain.low), Math.floor(certain.high));
    case 'decimal':
      return numberCheck(
        value,
        `(${isOf(value, 'BIGINT')} or schema_of_variant(${value}) like 'DECIMAL(%')`,
        certain.low,
        certain.high,
      );
    case 'text':
      return textCheck(value, certain.rule);
    case 'constant':
      return any(certain.values.map((one) => constantCheck(value, one)));
    case 'list':
      return listCheck(certain, value, depth);
    case 'object':
      return objectCheck(certain, value, depth);
    case 'any':
      return certain.isDropped ? 'true' : undefined;
    case 'json':
      return canBeNull(certain.of) ? `is_variant_null(${value})` : undefined;
    case 'either':
      return any(certain.of.map((one) => checkOf(one, value, depth)));
  }
}

const isOf = (value: string, type: string): string => `schema_of_variant(${value}) = '${type}'`;

const read = (value: string, type: string): string => `try_variant_get(${value}, '$', '${type}')`;

function any(conditions: readonly (string | undefined)[]): string | undefined {
  const given = conditions.filter((one) => one !== undefined);
  return given.length === 0 ? undefined : `(${given.map((one) => `coalesce(${one}, false)`).join(' or ')})`;
}

function numberCheck(value: string, hasType: string, low: number, high: number): string | undefined {
  const [from, to] = [Math.max(low, -MOST), Math.min(high, MOST)];
  if (from > to) return undefined;
  return `(${hasType} and ${read(value, 'double')} between ${double(from)} and ${double(to)})`;
}

const double = (number: number): string => `cast('${number}' as double)`;

function textCheck(value: string, rule: TextRule): string | undefined {
  const text = read(value, 'string');
  if (rule.kind === 'length') {
    const { least, most } = rule;
    const limits = [
      ...(least > 0 ? [`char_length(${text}) >= ${least}`] : []),
      ...(most === undefined ? [] : [`char_length(${text}) <= ${most}`]),
    ];
    return `(${[isOf(value, 'STRING'), ...limits].join(' and ')})`;
  }
  // In Java, && in brackets means both.
  if (rule.inside.includes('&&')) return undefined;
  const expression = quoteText(`\\A(?:${rule.inside})\\z`);
  return `(${isOf(value, 'STRING')} and char_length(${text}) <= ${LONGEST_MATCHED} and ${text} rlike ${expression})`;
}

function constantCheck(value: string, constant: null | boolean | string | number): string | undefined {
  if (constant === null) return `is_variant_null(${value})`;
  if (typeof constant === 'boolean') return `(${isOf(value, 'BOOLEAN')} and ${read(value, 'boolean')} = ${constant})`;
  if (typeof constant === 'string')
    return `(${isOf(value, 'STRING')} and ${read(value, 'string')} = ${quoteText(constant)})`;
  return numberCheck(value, isOf(value, 'BIGINT'), constant, constant);
}

function listCheck({ item, least, most }: Extract<Certain, { kind: 'list' }>, value: string, depth: number): string {
  const list = `try_cast(${value} as array<variant>)`;
  const one = `i${depth}`;
  const check = (item && checkOf(item, one, depth + 1)) ?? 'false';
  const limits = [
    ...(least > 0 ? [`size(${list}) >= ${least}`] : []),
    ...(most === undefined ? [] : [`size(${list}) <= ${most}`]),
  ];
  return `(${[`forall(${list}, ${one} -> coalesce(${check}, false))`, ...limits].join(' and ')})`;
}

/** A lambda over a list of one gives the object a name. */
function objectCheck({ listed, required, unlisted }: CertainObject, value: string, depth: number): string | undefined {
  const [object, key] = [`o${depth}`, `k${depth}`];
  const conditions: string[] = [`${object} is not null`];
  for (const name of new Set([...listed.keys(), ...required])) {
    const inner = `try_element_at(${object}, ${quoteText(name)})`;
    const certain = listed.has(name) ? listed.get(name) : unlisted;
    const check = certain && checkOf(certain, inner, depth + 1);
    if (required.includes(name)) {
      if (check === undefined) return undefined;
      conditions.push(`${inner} is not null and coalesce(${check}, false)`);
    } else
      conditions.push(check === undefined ? `${inner} is null` : `(${inner} is null or coalesce(${check}, false))`);
  }
  conditions.push(`forall(map_keys(${object}), ${key} -> ${keyCheck(listed, unlisted, object, key, depth)})`);
  return `exists(array(try_cast(${value} as map<string, variant>)), ${object} -> ${conditions.join(' and ')})`;
}

/** A key that is listed, or one that can't be confused with a listed one and whose value is allowed. */
function keyCheck(
  listed: CertainObject['listed'],
  unlisted: Certain | undefined,
  object: string,
  key: string,
  depth: number,
): string {
  const names = [...listed.keys()];
  const check = unlisted && checkOf(unlisted, `try_element_at(${object}, ${key})`, depth + 1);
  const isListed = names.length === 0 ? 'false' : `${key} in (${names.map(quoteText).join(', ')})`;
  if (check === undefined) return isListed;
  if (names.length === 0) return `coalesce(${check}, false)`;
  const lower = names.map((name) => quoteText(name.toLowerCase())).join(', ');
  return `(${isListed} or (lower(${key}) not in (${lower}) and coalesce(${check}, false)))`;
}

function canBeNull(certain: Certain): boolean {
  if (certain.kind === 'constant') return certain.values.includes(null);
  if (certain.kind === 'either') return certain.of.some(canBeNull);
  return certain.kind === 'null' || certain.kind === 'any';
}
