/** A value as reports show it: 64-bit integers are numbers where that is safe, else strings; moments are ISO 8601. */
export type Cell = string | number | boolean | null | Cell[] | { readonly [field: string]: Cell };

export interface QueryResult {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly Cell[])[];
}

/** What every target can do: DuckDB on this machine, Databricks (or its rehearsal) through the official driver. */
export interface Warehouse {
  query(sql: string): Promise<QueryResult>;
  close(): Promise<void>;
}
