/** The error for a statement that the rehearsal itself refuses, with the SQLSTATE that clients check. */
export class StatementError extends Error {
  readonly sqlState: string;

  constructor(message: string, sqlState: string) {
    super(message);
    this.name = 'StatementError';
    this.sqlState = sqlState;
  }
}

/** The error for a feature of Databricks that the rehearsal lacks. */
export const notSupported = (what: string): StatementError =>
  new StatementError(`[REHEARSAL_UNSUPPORTED] The rehearsal doesn't support ${what}. SQLSTATE: 0A000`, '0A000');
