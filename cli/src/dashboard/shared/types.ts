/** What the server and the pages in the browser tell each other. This folder is compiled for both, so it imports nothing else. */

/** A value in a result, as `meetup query --json` prints it. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [field: string]: Value };

/** The result of a query. */
export interface Rows {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly Value[])[];
}

/** The result of a query, or one sentence that says why there is none. */
export type Outcome = Rows | { readonly error: string };

/** The results of queries that depend on the same inputs, by the queries' names. */
export type DataSet = Readonly<Record<string, Outcome>>;

export type Scalar = string | number;
/** Null: nothing is chosen. */
export type InputValue = Scalar | readonly Scalar[] | null;
export type InputValues = Readonly<Record<string, InputValue>>;

export interface Option {
  readonly value: Scalar;
  readonly label: string;
}

/** An input of a page, with the options that its query returned. */
export interface PageInput {
  readonly name: string;
  readonly label: string;
  readonly type: 'select' | 'multi' | 'number' | 'text';
  readonly options: readonly Option[];
  readonly initial: InputValue;
  readonly help?: string | undefined;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly step?: number | undefined;
  /** Whether a static folder can't change it, because a query without a finite number of answers depends on it. */
  readonly fixed?: boolean | undefined;
}

export type Operator = '=' | '<=' | '>=' | 'in' | 'has';

/** `column = $input`, `column <= $input`, … */
export interface Condition {
  readonly column: string;
  readonly operator: Operator;
  readonly input: string;
}

export interface PageQuery {
  readonly name: string;
  /** The inputs that its rows are fetched for; another value means other rows. */
  readonly keys: readonly string[];
  /** What the page leaves out of the fetched rows. */
  readonly filters: readonly Condition[];
}

/** Everything that the script of a page needs apart from data. */
export interface PageScript {
  readonly id: string;
  /** Live: data comes from `meetup dashboard`, and is fetched again after a build. Static: from files beside the page. */
  readonly mode: 'live' | 'static';
  /** The moment that the data describes. */
  readonly asOf: string;
  readonly inputs: readonly PageInput[];
  readonly queries: readonly PageQuery[];
}

/** A chart, a table, a map or one number, as its attributes say. */
export interface ComponentScript {
  readonly kind: 'chart' | 'table' | 'value' | 'map';
  readonly query: string;
  readonly title: string;
  readonly attributes: Readonly<Record<string, string>>;
}
