import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { escapeHtml, renderMarkdown } from '../../src/dashboard/page/markdown.ts';
import { parsePage } from '../../src/dashboard/page/parse.ts';
import { readPages } from '../../src/dashboard/page/read-pages.ts';
import { temporaryFolder } from '../support/effects.ts';

const front = (...lines: string[]): string => ['---', 'title: Groups', ...lines, '---', ''].join('\n');
const query = (name: string, info = ''): string => `\`\`\`sql ${name}${info}\nselect 1 as n;\n\`\`\`\n`;

describe('a page', () => {
  it('is front matter, Markdown, queries and components, in their order', () => {
    const text = `${front('inputs: {city: {options: cities}, near: {type: number, default: 5}}')}
Some *words*.

${query('cities')}
${query('rows', ' where="city = $city and km <= $near"')}
<grid>
<chart query="rows" type="bar"
  x="n" y="city" title="By city"/>
</grid>
`;
    const page = parsePage(text, '/pages/groups.md');
    expect(page).toMatchObject({ id: 'groups', title: 'Groups', description: '', order: 100 });
    expect(page.inputs).toMatchObject([
      { name: 'city', label: 'city', type: 'select', options: 'cities' },
      { name: 'near', type: 'number', default: 5 },
    ]);
    expect(page.queries).toMatchObject([
      { name: 'cities', sql: 'select 1 as n', line: 9, where: [] },
      {
        name: 'rows',
        where: [
          { column: 'city', operator: '=', input: 'city' },
          { column: 'km', operator: '<=', input: 'near' },
        ],
      },
    ]);
    expect(page.blocks).toMatchObject([
      { block: 'markdown', text: 'Some *words*.' },
      { block: 'grid', edge: 'begin' },
      { block: 'component', component: { kind: 'chart', query: 'rows', title: 'By city', attributes: { x: 'n' } } },
      { block: 'grid', edge: 'end' },
    ]);
  });

  it.each([
    ['no front matter', '# Groups', ':1: a page begins with front matter'],
    ['no title', '---\norder: 1\n---', ':1: title: '],
    ['an unknown key', front('colour: red'), ":1: there is no key 'colour'."],
    ['YAML that is none', front('inputs: {'), ':1: not valid YAML'],
    ['a select without options', front('inputs: {city: {}}'), ':1: inputs.city: a select needs options'],
    [
      'options from a query that is not there',
      front('inputs: {city: {options: x}}'),
      "inputs.city: there is no query 'x'",
    ],
    ['a query without a name', `${front()}\`\`\`sql\nselect 1\n\`\`\``, ':4: a query needs a name'],
    ['a query without an end', `${front()}\`\`\`sql one\nselect 1`, ":4: the query 'one' has no closing"],
    ['two queries with one name', `${front()}${query('one')}${query('one')}`, ":7: there are two queries named 'one'."],
    [
      'a condition that is none',
      `${front()}${query('one', ' where="a like $b"')}`,
      ":4: 'a like $b' is not a condition",
    ],
    ['a condition on no input', `${front()}${query('one', ' where="a = $b"')}`, 'uses $b, but there is no such input'],
    [
      'equality with a number',
      `${front('inputs: {b: {type: number}}')}${query('one', ' where="a = $b"')}`,
      ':5: $b is a number, and = takes a select',
    ],
    ['an unknown component', `${front()}<pie query="one"/>`, ':4: there is no component <pie>'],
    ['a component that is not closed', `${front()}<table query="one" title="x">`, ':4: <table is not closed by />'],
    ['a component without a title', `${front()}${query('one')}<table query="one"/>`, ':7: <table> needs a title'],
    [
      'a metric whose name is none',
      `${front()}${query('one')}<table query="one" title="x" metric="a b"/>`,
      ':7: <table> needs a metric: is not a name, or several separated by commas',
    ],
    [
      'an unknown attribute',
      `${front()}${query('one')}<table query="one" title="x" color="y"/>`,
      ':7: <table> has no attribute color',
    ],
    ['an attribute without quotes', `${front()}<table query=one/>`, ":4: 'query=one' is not an attribute"],
    [
      'a component of a query that is not there',
      `${front()}<table query="one" title="x"/>`,
      ":4: there is no query 'one'",
    ],
    ['a file of SQL that is not there', `${front()}<query name="one" file="nowhere.sql"/>`, '/pages/nowhere.sql'],
  ])('with %s is refused with file and line', (_, text, message) => {
    expect(() => parsePage(text, '/pages/groups.md')).toThrow(message);
  });

  it('takes a query from a file of its own', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'dashboard'));
    await writeFile(join(folder, 'saved.sql'), '-- A question\nselect 2 as n;\n');
    const page = parsePage(`${front()}<query name="one" file="../saved.sql"/>`, join(folder, 'dashboard/groups.md'));
    expect(page.queries).toMatchObject([
      { sql: '-- A question\nselect 2 as n', file: join(folder, 'saved.sql'), line: 1 },
    ]);
  });
});

describe('the pages of a folder', () => {
  it('are in the order that they ask for, and a README is none of them', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'a.md'), front());
    await writeFile(join(folder, 'b.md'), front('order: 1'));
    await writeFile(join(folder, 'README.md'), 'About these pages');
    expect((await readPages(folder)).map(({ id }) => id)).toEqual(['b', 'a']);
  });

  it('have names that can be addresses', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'My page.md'), front());
    await expect(readPages(folder)).rejects.toThrow("the name of the file is the page's address");
  });

  it('are missed by name', async () => {
    await expect(readPages('/nowhere/dashboard')).rejects.toThrow('There is no page in /nowhere/dashboard');
  });
});

describe('Markdown', () => {
  it('renders headings, lists, emphasis, code and links', () => {
    expect(renderMarkdown('## A *b*\ntext\n\n- one\n- `two*` **three**\n\n[docs](https://example.com/a?b=1)')).toBe(
      '<h2>A <em>b</em></h2>\n<p>text</p>\n<ul><li>one</li><li><code>two*</code> <strong>three</strong></li></ul>\n' +
        '<p><a href="https://example.com/a?b=1">docs</a></p>',
    );
  });

  it('shows HTML as text and links to no script', () => {
    expect(renderMarkdown('<img src=x onerror=alert(1)> [x](javascript:alert(1))')).toBe(
      '<p>&#60;img src=x onerror=alert(1)&#62; [x](javascript:alert(1))</p>',
    );
    expect(escapeHtml('"a" & \'b\'')).toBe('&#34;a&#34; &#38; &#39;b&#39;');
  });
});
