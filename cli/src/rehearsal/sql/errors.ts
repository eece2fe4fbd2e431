/** A statement that the rehearsal refuses itself, with the SQLSTATE that clients look at. */
export class StatementError extends Error {
  readonly sqlState: string;

  constructor(message: string, sqlState: string) {
    super(message);
    this.name = 'StatementError';
    this.sqlState = sqlState;
  }
}

/** What Databricks has and the rehearsal doesn't. */
export const notHere = (what: string): StatementError =>
  new StatementError(`[REHEARSAL_UNSUPPORTED] The rehearsal doesn't have ${what}. SQLSTATE: 0A000`, '0A000');
