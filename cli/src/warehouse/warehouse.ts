/** A value in a report: 64-bit integers are numbers if that is safe, otherwise strings; timestamps are ISO 8601. */
export type Cell = string | number | boolean | null | Cell[] | { readonly [field: string]: Cell };

export interface QueryResult {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly Cell[])[];
}

/** The common interface of DuckDB on this machine and Databricks (or the rehearsal) through the official driver. */
export interface Warehouse {
  query(sql: string): Promise<QueryResult>;
  close(): Promise<void>;
}
