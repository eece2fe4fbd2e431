import { MeetupError } from '../config/errors.ts';
import { EngineRefusedError } from './errors.ts';

/** The engine's error if its Python environment lacks a package of the project, as a sentence that says what to do; any other as it is. */
export function explainMissingParser(error: unknown): unknown {
  if (!(error instanceof EngineRefusedError) || !/MissingPackage|No module named '?sqlglot/.test(error.message))
    return error;
  return new MeetupError(
    'The toolchain is older than the project and lacks the SQL parser: run `./meetup doctor`, or restart a running `dev --watch`.',
  );
}
