import type { Struct } from '../thrift/struct.ts';

/** Fetches rows from an absolute offset. */
export const FETCH_ABSOLUTE = 3;
/** Fetches the number of rows that a statement changed, which is returned as the offset of the first row. */
export const FETCH_COUNT = 5;
/** The key by which the server recognizes a statement that it already runs. */
export const STATEMENT_KEY = 'meetup.key';

/**
 * Whether a call whose answer was lost can safely be repeated. "The next rows" may already have been consumed, and a statement
 * without a key would run twice.
 */
export function isRepeatable(name: string, request: Struct): boolean {
  if (name === 'FetchResults') return [FETCH_ABSOLUTE, FETCH_COUNT].includes(request.i32(2) ?? 0);
  if (name === 'ExecuteStatement') return request.stringMap(3).has(STATEMENT_KEY);
  return true;
}
