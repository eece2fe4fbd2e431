import type { ColumnDifference } from '../../compare/compare.ts';

/** How a branch's version of a public mart differs from what readers see now. */
export interface MartChange {
  readonly name: string;
  readonly uniqueId: string;
  /** `schema.name` of what readers see, and of the branch's. */
  readonly before: string;
  readonly after: string;
  /** `new`: readers have no such mart yet. */
  readonly status: 'new' | 'same' | 'changed';
  readonly rows: { readonly before: number; readonly after: number };
  /** The columns that identify a row; none if no key is known or it isn't unique: then rows are counted as a whole. */
  readonly key: readonly string[];
  readonly added: number;
  readonly removed: number;
  /** Rows with the same key and other values; null without a key: then they count as one removed and one added. */
  readonly changed: number | null;
  /** Columns that one side lacks or has with another type. */
  readonly columns: readonly ColumnDifference[];
  /** Columns whose values or distribution differ. */
  readonly values: readonly ValueChange[];
  /** A few rows that differ; none if the key is personal. */
  readonly examples: readonly Example[];
  /** What somebody else did to the mart since the last deployment, which counts as a difference too. */
  readonly drift?: string;
}

/** How the values of a column differ. */
export interface ValueChange {
  readonly column: string;
  /** Whether the column is personal: then none of its values is shown. */
  readonly personal: boolean;
  /** Rows that both sides have, with different values; null without a key. */
  readonly differing: number | null;
  readonly nulls: { readonly before: number; readonly after: number };
  /** For numbers, dates and timestamps. */
  readonly range?: { readonly before: Range; readonly after: Range };
  /** For texts and booleans: the most frequent values. */
  readonly top?: readonly TopValue[];
}

/** Values as text; null if there are none. Quantiles are approximate, and only known of numbers. */
export interface Range {
  readonly min: string | null;
  readonly quartiles: readonly (string | null)[];
  readonly max: string | null;
}

export interface TopValue {
  readonly value: string;
  readonly before: number;
  readonly after: number;
}

/** A row that differs. */
export interface Example {
  readonly kind: 'added' | 'removed' | 'changed';
  readonly key: Readonly<Record<string, string | null>>;
  /** For `changed`: the cells that differ; without those of personal columns. */
  readonly cells: readonly { readonly column: string; readonly before: string | null; readonly after: string | null }[];
}
