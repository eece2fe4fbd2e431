import type { DataSet, Outcome } from './types.ts';

/*
 * A data set as text is one JSON object with each query in a line of its own, so that a reader can use a result while the others are
 * still computed.
 */

/** The line of one result. `isLast` leaves out the comma. */
export const lineOf = (name: string, outcome: Outcome, isLast: boolean): string =>
  `${JSON.stringify(name)}:${JSON.stringify(outcome)}${isLast ? '' : ','}\n`;

export const FIRST_LINE = '{\n';
export const LAST_LINE = '}\n';

/** The whole set. */
export function textOf(set: DataSet): string {
  const results = Object.entries(set);
  const lines = results.map(([name, outcome], i) => lineOf(name, outcome, i === results.length - 1));
  return [FIRST_LINE, ...lines, LAST_LINE].join('');
}

/** The results in a line: one, or none in the lines around them. */
export function resultsIn(line: string): readonly (readonly [name: string, outcome: Outcome])[] {
  if (!line.startsWith('"')) return [];
  const results: Record<string, Outcome> = JSON.parse(`{${line.replace(/,$/, '')}}`);
  return Object.entries(results);
}
