import { describe, expect, it } from 'vitest';
import { markdownTable, shownQueries, withResults } from './shown-queries.ts';

const markdown = [
  '# Title',
  '```sql',
  'select 1 as a',
  '```',
  '',
  '| a |',
  '|---|',
  '| 1 |',
  'Text.',
  '```sql databricks',
  'grant use catalog on catalog main to someone',
  '```',
  '```sql',
  'select 2 as b',
  '```',
  'No table.',
].join('\n');

describe('the SQL blocks of a document', () => {
  it('are found with the table below them, except those for Databricks', () => {
    expect(shownQueries(markdown)).toEqual([
      { line: 3, sql: 'select 1 as a', shown: ['| a |', '|---|', '| 1 |'], shownAt: 5 },
      { line: 14, sql: 'select 2 as b', shown: [], shownAt: 16 },
    ]);
  });

  it('have their tables replaced, and nothing else', () => {
    const results = [
      ['| a |', '|---|', '| 5 |', '| 6 |'],
      ['| b |', '|---|', '| 2 |'],
    ];
    expect(withResults(markdown, shownQueries(markdown), results)).toBe(markdown.replace('| 1 |', '| 5 |\n| 6 |'));
  });

  it('without an end are reported with their line', () => {
    expect(() => shownQueries('text\n```sql\nselect 1')).toThrow('The block in line 2 has no end.');
  });
});

describe('a result as a Markdown table', () => {
  it('shows nulls as empty cells and escapes bars', () => {
    const columns = ['a', 'b', 'c'].map((name) => ({ name, type: 'VARCHAR' }));
    expect(markdownTable({ columns, rows: [[null, 'x|y', [1, 'z']]] })).toEqual([
      '| a | b | c |',
      '|---|---|---|',
      '|  | x\\|y | [1,"z"] |',
    ]);
  });
});
