import { MeetupError } from '../../config/errors.ts';

/** Files that no schema can be inferred from: all of them, each with a sentence, so that they can be fixed in one go. */
export class UnusableFilesError extends MeetupError {
  readonly faults: readonly string[];

  constructor(errors: readonly MeetupError[]) {
    const faults = errors.flatMap((error) => (error instanceof UnusableFilesError ? error.faults : [error.message]));
    super(faults.length === 1 ? faults.join() : `${faults.length} problems with the files:\n  ${faults.join('\n  ')}`, {
      cause: errors[0],
    });
    this.name = 'UnusableFilesError';
    this.faults = faults;
  }
}
