import type { Column, Dialect } from './side.ts';
import { type CommonType, isFloating, parseType } from './types.ts';

export interface RenderingOptions {
  /** Doubles with all their digits (inside nested values with ten), for people and a comparison with a tolerance. */
  readonly exact?: boolean;
}

/**
 * Renders a cell as text, the same on both engines for the same value, and null for null: timestamps as microseconds in UTC,
 * dates as days, bytes in hexadecimal, doubles with ten significant digits, nested values item by item.
 */
export function cellText(dialect: Dialect, sql: string, type: string, options: RenderingOptions = {}): string {
  return textOf({ dialect, options, depth: 0, isNested: false }, sql, parseType(type));
}

interface Context {
  readonly dialect: Dialect;
  readonly options: RenderingOptions;
  /** The number of enclosing arrays and maps: each needs its own variable. */
  readonly depth: number;
  /** Whether it is inside an array, map or struct. */
  readonly isNested: boolean;
}

function textOf(context: Context, sql: string, type: CommonType): string {
  const { dialect, depth } = context;
  const inner: Context = { ...context, depth: depth + 1, isNested: true };
  const variable = `item${depth}`;
  switch (type.kind) {
    case 'array':
      return dialect.listText(sql, variable, tagged(dialect, textOf(inner, variable, type.element)));
    case 'map': {
      const entry = structText(inner, variable, [
        { name: 'key', type: type.key },
        { name: 'value', type: type.value },
      ]);
      return dialect.listText(dialect.mapEntries(sql), variable, entry, { sorted: true });
    }
    case 'struct':
      return `case when ${sql} is not null then ${structText({ ...context, isNested: true }, sql, type.fields)} end`;
    case 'plain':
      return plainText(context, sql, type.name);
  }
}

const structText = (
  context: Context,
  sql: string,
  fields: readonly { readonly name: string; readonly type: CommonType }[],
): string =>
  concatenated(
    fields.map(({ name, type }) => tagged(context.dialect, textOf(context, context.dialect.field(sql, name), type))),
  );

function plainText({ dialect, options, isNested }: Context, sql: string, type: string): string {
  if (isFloating(type)) {
    const inFull = options.exact === true && !isNested;
    return inFull ? dialect.toText(`cast(${sql} as double)`) : floatText(dialect, sql, options);
  }
  if (type === 'timestamp') return dialect.toText(dialect.micros(sql));
  if (type === 'date') return dialect.toText(dialect.days(sql));
  if (type === 'binary') return `hex(${sql})`;
  return dialect.toText(sql);
}

/** Java rounds 0.5 up, C to the even digit. Multiplied by this, numbers with few digits don't end in exactly 0.5. */
const UNEVEN = '0.98765432109e0';

/** Adding 0 turns -0 into 0. Java and C print NaN and infinity differently, and DuckDB prints null as an empty text. */
function floatText(dialect: Dialect, sql: string, { exact = false }: RenderingOptions): string {
  const infinite = (sign: string): string => `cast('${sign}Infinity' as double)`;
  const number = `(cast(${sql} as double) + 0.0)`;
  const digits = dialect.scientific(exact ? number : `${number} * ${UNEVEN}`);
  return `case when ${sql} is null then null when ${dialect.isNan(sql)} then 'NaN' when ${sql} = ${infinite('')} then 'Infinity' when ${sql} = ${infinite('-')} then '-Infinity' else ${digits} end`;
}

/** Distinguishes null from every text, and prefixes the length, so that different rows never give the same text. */
const tagged = (dialect: Dialect, text: string): string =>
  `coalesce(${dialect.toText(`length(${text})`)} || ':' || ${text}, 'null')`;

const concatenated = (texts: readonly string[]): string => (texts.length === 0 ? `''` : texts.join(` || ',' || `));

/** A row of these columns as one text. */
export function rowText(dialect: Dialect, columns: readonly Column[]): string {
  return concatenated(columns.map(({ name, type }) => tagged(dialect, cellText(dialect, dialect.quote(name), type))));
}
