import type { Condition, PageInput, Scalar } from '../shared/types.ts';

/** A page of the dashboard, as its file describes it. */
export interface Page {
  /** The name of its file without the extension, which is also its address. */
  readonly id: string;
  readonly file: string;
  readonly title: string;
  readonly description: string;
  /** Pages are listed by this number, then by title. */
  readonly order: number;
  readonly inputs: readonly InputSpec[];
  readonly queries: readonly QuerySpec[];
  readonly blocks: readonly Block[];
}

/** An input as the page declares it. */
export interface InputSpec {
  readonly name: string;
  readonly label: string;
  readonly type: PageInput['type'];
  /** The name of a query whose first column is the value and whose second, if there is one, the label; or the values. */
  readonly options?: string | readonly Scalar[] | undefined;
  readonly default?: Scalar | readonly Scalar[] | undefined;
  readonly help?: string | undefined;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly step?: number | undefined;
}

export interface QuerySpec {
  readonly name: string;
  readonly sql: string;
  /** Where it begins. */
  readonly file: string;
  readonly line: number;
  /** `=`: the rows that are read. The others: the rows that are shown of those. */
  readonly where: readonly Condition[];
}

export type ComponentKind = 'chart' | 'table' | 'value' | 'map';

export interface Component {
  readonly kind: ComponentKind;
  readonly query: string;
  readonly title: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly line: number;
}

export type Block =
  | { readonly block: 'markdown'; readonly text: string }
  | { readonly block: 'component'; readonly component: Component }
  | { readonly block: 'grid'; readonly edge: 'begin' | 'end' };
