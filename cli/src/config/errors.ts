/** The work found something (1), or it could not work at all (2). */
export type FailureExitCode = 1 | 2;

/**
 * A known error: its message is one plain sentence that says what is wrong, where, and what to do.
 * Anything else that is thrown counts as a defect of `meetup` itself.
 */
export class MeetupError extends Error {
  readonly exitCode: FailureExitCode;

  constructor(message: string, options: { exitCode?: FailureExitCode; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'MeetupError';
    this.exitCode = options.exitCode ?? 2;
  }
}

/** Ctrl-C, or a caller that gave up. */
export class InterruptedError extends Error {
  constructor() {
    super('Interrupted.');
    this.name = 'InterruptedError';
  }
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Narrows to Node's errors with a `code` such as ENOENT. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code);
}
