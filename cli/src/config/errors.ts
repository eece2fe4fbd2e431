/** 1: the work found something. 2: it could not run. */
export type FailureExitCode = 1 | 2;

/**
 * A known error: its message is one plain sentence that says what is wrong, where, and what to do.
 * Any other error counts as a bug in `meetup`.
 */
export class MeetupError extends Error {
  readonly exitCode: FailureExitCode;

  constructor(message: string, options: { exitCode?: FailureExitCode; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'MeetupError';
    this.exitCode = options.exitCode ?? 2;
  }
}

/** The command was interrupted by Ctrl-C or cancelled by its caller. */
export class InterruptedError extends Error {
  constructor() {
    super('Interrupted.');
    this.name = 'InterruptedError';
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Narrows to Node's errors with a `code` such as ENOENT. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code);
}
