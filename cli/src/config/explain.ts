import { MeetupError, messageOf } from './errors.ts';
import { fileReason, unexpectedFileProblem } from './file-errors.ts';

/** How DuckDB's messages begin: `IO Error: …`, `Out of Memory Error: …`. */
const DUCKDB = /^[A-Z][A-Za-z]*( [A-Za-z]+)* Error: /;

/**
 * One plain sentence for any error. Errors of the file system and of DuckDB are explained wherever they come from; any other
 * error counts as a bug in meetup.
 */
export function sentenceOf(error: unknown): string {
  if (error instanceof MeetupError) return error.message;
  const file = unexpectedFileProblem(error);
  if (file !== undefined) return file;
  const message = messageOf(error);
  if (DUCKDB.test(message)) return `DuckDB failed: ${firstLine(message)}`;
  return `Internal error in meetup: ${message} (--verbose shows the stack trace).`;
}

/** Why something failed, in a few words for a sentence that says the rest. */
export const reasonOf = (error: unknown): string => fileReason(error) ?? firstLine(messageOf(error));

const firstLine = (text: string): string => text.trim().split('\n')[0] ?? '';
