import type { Struct } from '../thrift/struct.ts';

/** Asks for rows from a place that it names itself. */
export const FETCH_ABSOLUTE = 3;
/** Asks how many rows a statement has changed, which comes as the number of the first row. */
export const FETCH_COUNT = 5;
/** The key by which Spark's side knows a statement that it runs already. */
export const STATEMENT_KEY = 'meetup.key';

/**
 * Whether a call whose answer was lost can be made once more: it changes nothing the second time. Rows that are asked for by "the next"
 * may be gone already; a statement without a key would run twice.
 */
export function isRepeatable(name: string, request: Struct): boolean {
  if (name === 'FetchResults') return [FETCH_ABSOLUTE, FETCH_COUNT].includes(request.i32(2) ?? 0);
  if (name === 'ExecuteStatement') return request.stringMap(3).has(STATEMENT_KEY);
  return true;
}
