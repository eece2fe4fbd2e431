import { queryRows } from '../text/query-rows.ts';
import type { Style } from '../text/style.ts';
import { renderTable } from '../text/table.ts';
import { plural } from '../text/text.ts';
import type { QueryResult } from '../warehouse/warehouse.ts';

/** The most rows to print on a terminal; --json prints them all. */
const MOST_ROWS = 200;

/** Renders a table for each statement. */
export function renderQuery(results: readonly QueryResult[], style: Style): string {
  return results.map((result) => renderResult(result, style)).join('\n\n');
}

function renderResult(result: QueryResult, style: Style): string {
  const shown = result.rows.slice(0, MOST_ROWS);
  const left = result.rows.length - shown.length;
  const footer =
    left > 0
      ? `${plural(result.rows.length, 'row')}, ${shown.length} shown (--json prints all)`
      : plural(result.rows.length, 'row');
  return `${renderTable(result.columns, shown, style)}\n${style.dim(footer)}`;
}

/** For --json: the rows of the statement or, if there are several, the rows of each. */
export function queryJson(results: readonly QueryResult[]): unknown {
  const [only, ...others] = results;
  return only !== undefined && others.length === 0 ? queryRows(only) : results.map(queryRows);
}
