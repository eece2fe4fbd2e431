import { MeetupError } from '../config/errors.ts';
import type { Problem } from './protocol.ts';

/** Describes a problem of the dbt project in one sentence, with file and line. */
export function problemSentence({ file, line, message }: Problem): string {
  return `The dbt project can't be read: ${file ?? 'dbt'}${line === null ? '' : `:${line}`}: ${message}`;
}

/** @throws MeetupError for the first problem, if there is one. */
export function requireReadable({ problems: [problem] }: { readonly problems: readonly Problem[] }): void {
  if (problem !== undefined) throw new MeetupError(problemSentence(problem));
}
