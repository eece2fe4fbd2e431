/**
 * One vocabulary for both engines' types, such as `int64`, `decimal(18,3)`, `array<string>`. What it does not know stays
 * as the engine calls it, in lower case.
 */
export function canonicalType(type: string): string {
  const text = type.trim().toLowerCase();
  const element = /^array<(.*)>$/.exec(text)?.[1] ?? /^(.*)\[\]$/.exec(text)?.[1];
  if (element !== undefined) return `array<${canonicalType(element)}>`;
  const decimal = /^(?:decimal|numeric)\((\d+),\s*(\d+)\)$/.exec(text);
  if (decimal) return `decimal(${decimal[1]},${decimal[2]})`;
  return NAMES[text] ?? text;
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
  // Both are moments in UTC: the project has no others.
  timestamp_ntz: 'timestamp',
  'timestamp with time zone': 'timestamp',
};

/** Whether values of a type are compared with a tolerance. */
export const isFloating = (type: string): boolean => type === 'float32' || type === 'float64';
