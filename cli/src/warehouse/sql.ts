/** Quotes an identifier for DuckDB and Spark-independent use in DuckDB SQL. Never build SQL with a bare name. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Quotes a string literal. Prefer bound parameters; this is for the places where DuckDB takes none (ATTACH, COPY, SET). */
export function quoteLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
