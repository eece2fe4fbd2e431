/** Quotes an identifier for Databricks' SQL and Spark's. Never build SQL with a bare name. */
export const quoteName = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

/** A name in parts, such as schema and table, each part quoted. */
export const quoteNames = (...parts: readonly string[]): string => parts.map(quoteName).join('.');

/** A string in Databricks' SQL, where a backslash takes the next character with it. */
export const quoteText = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
