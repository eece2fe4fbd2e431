import type { Column, Dialect } from './side.ts';
import { isFloating } from './types.ts';

/**
 * A cell as a text that is the same on both engines for the same value, null for null: moments as microseconds in UTC,
 * doubles with ten significant digits (`exact`: as the engine writes them), arrays element by element.
 */
export function cellText(dialect: Dialect, sql: string, type: string, { exact = false } = {}): string {
  const element = /^array<(.*)>$/.exec(type)?.[1];
  if (element !== undefined) return dialect.arrayText(sql, (item) => tagged(dialect, cellText(dialect, item, element)));
  if (type === 'timestamp') return dialect.toText(dialect.micros(sql));
  if (isFloating(type)) return exact ? dialect.toText(`cast(${sql} as double)`) : floatText(dialect, sql);
  return dialect.toText(sql);
}

/** Adding 0 makes one zero of the two. Java and C write what is no number differently; DuckDB prints null as nothing. */
function floatText(dialect: Dialect, sql: string): string {
  const infinite = (sign: string): string => `cast('${sign}Infinity' as double)`;
  return `case when ${sql} is null then null when ${dialect.isNan(sql)} then 'NaN' when ${sql} = ${infinite('')} then 'Infinity' when ${sql} = ${infinite('-')} then '-Infinity' else ${dialect.scientific(`${sql} + 0.0`)} end`;
}

/** Tells null from every text, and says where a text ends, so that no two rows read the same. */
const tagged = (dialect: Dialect, text: string): string =>
  `coalesce(${dialect.toText(`length(${text})`)} || ':' || ${text}, 'null')`;

/** A row of these columns as one text. */
export function rowText(dialect: Dialect, columns: readonly Column[]): string {
  if (columns.length === 0) return `''`;
  return columns
    .map(({ name, type }) => tagged(dialect, cellText(dialect, dialect.quote(name), type)))
    .join(` || ',' || `);
}
