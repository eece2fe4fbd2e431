import { MeetupError, messageOf } from '../config/errors.ts';
import type { JsonFaultError } from './cutter.ts';
import type { ListLayout } from './json-text.ts';
import { LARGEST_RECORD } from './loading.ts';

/* The messages for files that can't be loaded, one sentence each. */

export function cannotRead(path: string, error: unknown): MeetupError {
  const why = error instanceof TypeError ? 'its text is not UTF-8' : messageOf(error);
  return new MeetupError(
    `${path} can't be read (${why}): fix or remove the file and load again. Nothing of its drop was loaded.`,
    { cause: error },
  );
}

export function tooLarge(path: string): MeetupError {
  return new MeetupError(
    `${path} has a record of more than ${LARGEST_RECORD / 1024 / 1024} MB: shorten it and load again. Nothing of its drop was loaded.`,
  );
}

/** The file stops being JSON somewhere. */
export function notJson(path: string, layout: ListLayout, fault: JsonFaultError): MeetupError {
  const list =
    layout === 'newline_delimited' && fault.record === 0
      ? ' (a file holds one array of records, or one record per line)'
      : '';
  return new MeetupError(
    `${path} is not JSON at line ${fault.line}, in record ${fault.record}: ${fault.message}${list}. Fix or remove the file and load again; nothing of its drop was loaded.`,
    { cause: fault },
  );
}

/** DuckDB and the scan counted different numbers of records. */
export function notWhole(path: string, read: number, records: number): MeetupError {
  return new MeetupError(
    `${path} was not read completely: only ${read} of its ${records} records. Nothing of its drop was loaded; please report this.`,
  );
}
