/** What a command may do to the world outside its arguments; tests pass their own. */
export interface Effects {
  readonly clock: Clock;
  readonly reporter: Reporter;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by Ctrl-C or SIGTERM. Long work checks it and throws InterruptedError. */
  readonly signal: AbortSignal;
  /** Lets work finish even when the time after Ctrl-C has run out; if it is omitted, work is never cut off. */
  readonly toTheEnd?: (<T>(work: Promise<T>) => Promise<T>) | undefined;
}

export interface Clock {
  /** Wall-clock time in epoch milliseconds. */
  now(): number;
  /** A monotonic reading in milliseconds, for durations. */
  elapsed(): number;
}

/** Where progress goes while a command works: stderr for people, nothing for tests. Results are never printed here. */
export interface Reporter {
  /** Prints a permanent line. Silent with --quiet. */
  note(line: string): void;
  /** Shows the current activity: a line that is redrawn on a terminal, and printed elsewhere only with --verbose. */
  progress(text: string): void;
  /** Prints a line that people should not miss, even with --quiet. */
  warn(line: string): void;
  /** Prints a line with --verbose only. */
  detail(line: string): void;
}

/** Waits for work that must not be cut off when the command is interrupted, if the effects support that. */
export const broughtToEnd = <T>({ toTheEnd }: Pick<Effects, 'toTheEnd'>, work: Promise<T>): Promise<T> =>
  toTheEnd?.(work) ?? work;

const silent = (): void => undefined;

/** Effects that print nothing, know no environment and are never interrupted, unless overridden. */
export const silentEffects = (overrides: Partial<Effects> = {}): Effects => ({
  clock: { now: () => Date.now(), elapsed: () => performance.now() },
  reporter: { note: silent, progress: silent, warn: silent, detail: silent },
  env: {},
  signal: new AbortController().signal,
  ...overrides,
});
