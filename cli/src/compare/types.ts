import { splitAtCommas } from '../warehouse/duckdb-type.ts';

/** A type in the common spelling of both engines; an unknown type keeps the engine's own name, in lower case. */
export type CommonType =
  | { readonly kind: 'plain'; readonly name: string }
  | { readonly kind: 'array'; readonly element: CommonType }
  | { readonly kind: 'map'; readonly key: CommonType; readonly value: CommonType }
  | { readonly kind: 'struct'; readonly fields: readonly Field[] };

export interface Field {
  readonly name: string;
  readonly type: CommonType;
}

const NAMES: Readonly<Record<string, string>> = {
  tinyint: 'int8',
  smallint: 'int16',
  int: 'int32',
  integer: 'int32',
  bigint: 'int64',
  varchar: 'string',
  text: 'string',
  float: 'float32',
  real: 'float32',
  double: 'float64',
  blob: 'binary',
  // Both are timestamps in UTC: the project has no others.
  timestamp_ntz: 'timestamp',
  'timestamp with time zone': 'timestamp',
};

/**
 * Reads a type as DuckDB or Databricks writes it, or as {@link canonicalType} does: `STRUCT(a BIGINT, "b" VARCHAR)[]` and
 * `array<struct<a:bigint,b:string>>` are the same.
 */
export function parseType(text: string): CommonType {
  const type = text.trim().replace(/\s+not null$/i, '');
  const suffixed = /^(.*)\[\d*\]$/s.exec(type)?.[1];
  if (suffixed !== undefined) return { kind: 'array', element: parseType(suffixed) };
  const [, head = '', inner = ''] = /^(array|map|struct)\s*[<(](.*)[>)]$/is.exec(type) ?? [];
  const parts = splitAtCommas(inner);
  switch (head.toLowerCase()) {
    case 'array':
      return { kind: 'array', element: parseType(inner) };
    case 'map':
      return { kind: 'map', key: parseType(parts[0] ?? ''), value: parseType(parts[1] ?? '') };
    case 'struct':
      return { kind: 'struct', fields: parts.map(parseField) };
    default:
      return { kind: 'plain', name: plainName(type.toLowerCase()) };
  }
}

/** One spelling for both engines' types, such as `int64`, `decimal(18,3)`, `array<struct<a:int64,b:string>>`. */
export const canonicalType = (text: string): string => spelled(parseType(text));

/**
 * A type without what the engines choose themselves where no contract says it: the width of integers and the precision of
 * decimals. Decimals without a fraction are integers.
 */
export const withoutWidths = (type: string): string => spelled(widened(parseType(type)));

function widened(type: CommonType): CommonType {
  switch (type.kind) {
    case 'plain':
      return { kind: 'plain', name: widenedName(type.name) };
    case 'array':
      return { kind: 'array', element: widened(type.element) };
    case 'map':
      return { kind: 'map', key: widened(type.key), value: widened(type.value) };
    case 'struct':
      return { kind: 'struct', fields: type.fields.map((field) => ({ ...field, type: widened(field.type) })) };
  }
}

function widenedName(name: string): string {
  const scale = /^decimal\(\d+,(\d+)\)$/.exec(name)?.[1];
  if (scale !== undefined && scale !== '0') return `decimal(38,${scale})`;
  return scale === '0' || INTEGERS.test(name) ? 'int64' : name;
}

const INTEGERS = /^(int(8|16|32|64)|u?hugeint|u(tinyint|smallint|integer|bigint))$/;

/** Whether values of a type are compared with a tolerance. */
export const isFloating = (type: string): boolean => type === 'float32' || type === 'float64';

/** Whether a type contains doubles. */
export const holdsFloats = (type: string): boolean => /\bfloat(32|64)\b/.test(type);

function spelled(type: CommonType): string {
  switch (type.kind) {
    case 'plain':
      return type.name;
    case 'array':
      return `array<${spelled(type.element)}>`;
    case 'map':
      return `map<${spelled(type.key)},${spelled(type.value)}>`;
    case 'struct':
      return `struct<${type.fields.map((field) => `${fieldName(field.name)}:${spelled(field.type)}`).join(',')}>`;
  }
}

const fieldName = (name: string): string => (/^\w+$/.test(name) ? name : `\`${name.replaceAll('`', '``')}\``);

function plainName(type: string): string {
  const decimal = /^(?:decimal|numeric)\((\d+),\s*(\d+)\)$/.exec(type);
  if (decimal) return `decimal(${decimal[1]},${decimal[2]})`;
  // Lengths and collations restrict writers; readers get text.
  if (/^(varchar|char|character)\(\d+\)$|^string collate /.test(type)) return 'string';
  return NAMES[type] ?? type;
}

/** `a:bigint`, `"a b" BIGINT`, `` `a b`:bigint ``. Field names are case-insensitive on both engines. */
function parseField(text: string): Field {
  const quoted = /^\s*(["`])((?:(?!\1).|\1\1)*)\1[\s:]+(.*)$/s.exec(text);
  if (quoted) {
    const [, quote = '', name = '', type = ''] = quoted;
    return { name: name.replaceAll(quote + quote, quote).toLowerCase(), type: parseType(type) };
  }
  const [, name = '', type = ''] = /^\s*([^\s:]+)[\s:]+(.*)$/s.exec(text) ?? [];
  return { name: name.toLowerCase(), type: parseType(type) };
}
