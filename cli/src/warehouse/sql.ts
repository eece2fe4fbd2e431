/** Quotes an identifier for DuckDB's SQL. Never build SQL with a bare name. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Quotes a string literal. Prefer bound parameters; this is for statements in which DuckDB accepts none (ATTACH, COPY, SET). */
export function quoteLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
