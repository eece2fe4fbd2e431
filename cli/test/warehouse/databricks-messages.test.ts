import { expect, it } from 'vitest';
import { withoutStatement } from '../../src/warehouse/databricks.ts';

it.each([
  [
    "[PARSE_SYNTAX_ERROR] Syntax error at or near 'frm'. SQLSTATE: 42601 (line 1, pos 9)\n\n== SQL ==\nselect * frm t where name in ('Ada')\n---------^^^\n",
    "[PARSE_SYNTAX_ERROR] Syntax error at or near 'frm'. SQLSTATE: 42601 (line 1, pos 9)",
  ],
  [
    "[DIVIDE_BY_ZERO] Division by zero. SQLSTATE: 22012\n== SQL (line 1, position 8) ==\n1 / 0 in ('Ada')\n^^^^^",
    '[DIVIDE_BY_ZERO] Division by zero. SQLSTATE: 22012',
  ],
  ['[TABLE_OR_VIEW_NOT_FOUND] There is none.', '[TABLE_OR_VIEW_NOT_FOUND] There is none.'],
])('the message of a failed statement does not repeat the statement: %j', (message, shown) => {
  expect(withoutStatement(message)).toBe(shown);
});
