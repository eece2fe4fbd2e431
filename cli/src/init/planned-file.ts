/** A file that `init` would write or move, by its path relative to the project. */
export interface PlannedFile {
  readonly path: string;
  readonly action: 'new' | 'changed' | 'moved';
  /** The whole text; undefined for a file that is moved. */
  readonly text?: string;
  /** Where a moved file is now, relative to the project. */
  readonly from?: string;
}

/** What `init` found, and what it would write. */
export interface InitPlan {
  readonly kind: 'dbt' | 'json';
  /** Sentences about what was found. */
  readonly found: readonly string[];
  readonly files: readonly PlannedFile[];
}
