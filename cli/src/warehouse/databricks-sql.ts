/** Quotes an identifier for Databricks SQL and Spark SQL. Never build SQL with a bare name. */
export const quoteName = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

/** Quotes each part of a name, such as schema and table. */
export const quoteNames = (...parts: readonly string[]): string => parts.map(quoteName).join('.');

/** Quotes a string for Databricks SQL, in which a backslash escapes the next character. */
export const quoteText = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
