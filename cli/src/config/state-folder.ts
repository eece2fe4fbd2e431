import { MeetupError } from './errors.ts';
import { reasonOf } from './explain.ts';
import type { Paths } from './paths.ts';

/**
 * Makes sure that DuckDB can work in the state folder: it interprets text after a question mark in a path as options, as in a URL.
 * @throws MeetupError if the folder's path has one.
 */
export function requireUsableState(paths: Pick<Paths, 'state'>): void {
  if (!paths.state.includes('?')) return;
  throw new MeetupError(
    `The state folder ${paths.state} can't be used because DuckDB can't open files with ? in their path: choose another with --state-dir or MEETUP_STATE_DIR.`,
  );
}

/** One plain sentence for a state folder that can't be written. */
export function cannotWriteState(paths: Paths, error: unknown): MeetupError {
  const why = reasonOf(error);
  return new MeetupError(
    `The state folder ${paths.state} can't be written (${why}): make it writable, or choose another with --state-dir.`,
    { cause: error },
  );
}
