import { MeetupError } from '../config/errors.ts';
import type { Problem } from './protocol.ts';

/** Describes a problem of the dbt project in one sentence, with file and line. */
export function problemSentence({ kind, file, line, message }: Problem): string {
  if (kind === 'unsupported') return unsupportedSentence({ file, message });
  return `The dbt project can't be read: ${file ?? 'dbt'}${line === null ? '' : `:${line}`}: ${message}`;
}

/** What meetup can't run, with its file. */
export const unsupportedSentence = ({ file, message }: Pick<Problem, 'file' | 'message'>): string =>
  `${file ?? 'dbt'}: ${message}`;

/** @throws MeetupError for the first problem, if there is one. */
export function requireReadable({ problems: [problem] }: { readonly problems: readonly Problem[] }): void {
  if (problem !== undefined) throw new MeetupError(problemSentence(problem));
}
