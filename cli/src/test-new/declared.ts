/** A schema's declaration about a column or field. */
export interface Declared {
  readonly personal?: boolean | undefined;
  /** Whether it identifies a record. */
  readonly key?: boolean | undefined;
}
