import { hasCode, MeetupError, messageOf } from './errors.ts';
import type { Paths } from './paths.ts';

/** One plain sentence for a state folder that can't be written. */
export function cannotWriteState(paths: Paths, error: unknown): MeetupError {
  const why = hasCode(error, 'ENOSPC') ? 'the disk is full' : messageOf(error).split('\n')[0];
  return new MeetupError(
    `The state folder ${paths.state} can't be written (${why}): make it writable, or choose another with --state-dir.`,
    { cause: error },
  );
}
