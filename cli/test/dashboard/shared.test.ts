import { describe, expect, it } from 'vitest';
import { dataAddress, dataSetsOf, toSearch } from '../../src/dashboard/shared/addresses.ts';
import { toCsv } from '../../src/dashboard/shared/csv.ts';
import { filterRows } from '../../src/dashboard/shared/filters.ts';
import { formatCell, formatValue, shownColumns } from '../../src/dashboard/shared/format.ts';
import { inputsFrom } from '../../src/dashboard/shared/inputs.ts';
import { resultsIn, textOf } from '../../src/dashboard/shared/lines.ts';
import { linkOf } from '../../src/dashboard/shared/links.ts';
import { namedPlaces } from '../../src/dashboard/shared/places.ts';
import { sortRows } from '../../src/dashboard/shared/sort.ts';
import type { Condition, InputValue, PageInput, Rows } from '../../src/dashboard/shared/types.ts';

const rows: Rows = {
  columns: [
    { name: 'city', type: 'VARCHAR' },
    { name: 'km', type: 'DOUBLE' },
  ],
  rows: [
    ['Utrecht', 40],
    ['Amsterdam', 2],
    [null, null],
    ['Den Haag', 60],
  ],
};

describe('filters', () => {
  it.each<[Condition['operator'], string, InputValue, readonly (string | null)[]]>([
    ['=', 'city', 'Utrecht', ['Utrecht']],
    ['in', 'city', ['Den Haag', 'Utrecht'], ['Utrecht', 'Den Haag']],
    ['has', 'city', 'DAM', ['Amsterdam']],
    ['<=', 'km', 40, ['Utrecht', 'Amsterdam']],
    ['>=', 'km', 40, ['Utrecht', 'Den Haag']],
    ['<=', 'km', null, ['Utrecht', 'Amsterdam', null, 'Den Haag']],
    ['in', 'city', [], ['Utrecht', 'Amsterdam', null, 'Den Haag']],
    ['has', 'city', '', ['Utrecht', 'Amsterdam', null, 'Den Haag']],
  ])('%s on %s with %j leaves %j', (operator, column, value, left) => {
    const filtered = filterRows(rows, [{ column, operator, input: 'x' }], { x: value });
    expect(filtered.rows.map(([city]) => city)).toEqual(left);
  });
});

describe('the order of rows', () => {
  it('has nulls last in both directions, and numbers in texts by their value', () => {
    expect(sortRows(rows.rows, 1, true).map(([city]) => city)).toEqual(['Den Haag', 'Utrecht', 'Amsterdam', null]);
    expect(sortRows(rows.rows, 1, false).map(([city]) => city)).toEqual(['Amsterdam', 'Utrecht', 'Den Haag', null]);
    expect(sortRows([['a10'], ['a9']], 0, false)).toEqual([['a9'], ['a10']]);
  });
});

describe('CSV', () => {
  it('quotes what needs it, and disarms text that a spreadsheet would run', () => {
    const columns = [
      { name: 'a,b', type: 'VARCHAR' },
      { name: 'n', type: 'DOUBLE' },
    ];
    expect(
      toCsv({
        columns,
        rows: [
          ['say "hi"', -1],
          ['=1+1', null],
          ['two\nlines', 0.5],
        ],
      }),
    ).toBe('"a,b",n\r\n"say ""hi""",-1\r\n\'=1+1,\r\n"two\nlines",0.5\r\n');
  });
});

describe('places on a map', () => {
  const columns = { places: 'city', latitude: 'y', longitude: 'x' };
  const point = (city: string | null, x: number, y: number) => ({ city, x, y });

  it('are named in the middle of their points, those with the most first, and not over another name', () => {
    const points = [
      point('Small beside large', 4.01, 52.01),
      point('Large', 4, 52),
      point('Large', 4.2, 52.2),
      point('Far', 6, 50),
      point(null, 5, 51),
    ];
    expect(namedPlaces(points, columns)).toEqual([
      { name: 'Large', x: expect.closeTo(4.1), y: expect.closeTo(52.1) },
      { name: 'Far', x: 6, y: 50 },
    ]);
  });

  it('are none without points, and one if there is only one', () => {
    expect(namedPlaces([], columns)).toEqual([]);
    expect(namedPlaces([point('Here', 4, 52)], columns)).toEqual([{ name: 'Here', x: 4, y: 52 }]);
  });
});

describe('values', () => {
  it.each([
    [null, undefined, '–'],
    [true, undefined, 'yes'],
    [0.1234, 'percent', '12.3%'],
    [12345.6, undefined, '12,346'],
    [0.012345, undefined, '0.01235'],
    [2.345, 'decimal', '2.3'],
    [2, 'decimal', '2.0'],
    ['2026-10-31T22:59:54.371', 'moment', '2026-10-31 22:59'],
    ['2026-10-31T22:59:54.371', 'date', '2026-10-31'],
  ] as const)('%j as %s is shown as %s', (value, format, text) => {
    expect(formatValue(value, format)).toBe(text);
  });

  it('have as many decimals as the others of their column in a table', () => {
    expect([1, 0.933].map((value) => formatCell(value, 'percent'))).toEqual(['100.0%', '93.3%']);
    expect(formatCell('a', 'percent')).toBe('a');
  });

  it('are shown in the columns that a table names', () => {
    expect(shownColumns('a, b_c: Label (UTC) (moment), d (percent)', [])).toEqual([
      { name: 'a', label: 'A', format: undefined },
      { name: 'b_c', label: 'Label (UTC)', format: 'moment' },
      { name: 'd', label: 'D', format: 'percent' },
    ]);
    expect(shownColumns(undefined, ['x_y'])).toEqual([{ name: 'x_y', label: 'X y', format: undefined }]);
  });
});

const select: PageInput = {
  name: 'city',
  label: 'City',
  type: 'select',
  options: [
    { value: 1, label: 'One' },
    { value: 'b', label: 'Two' },
  ],
  initial: 1,
};

describe('inputs', () => {
  it.each([
    ['', 1],
    ['city=b', 'b'],
    ['city=1', 1],
    ['city=1; drop table x', 1],
  ])('of a select come from its options: %j is %j', (search, value) => {
    expect(inputsFrom([select], new URLSearchParams(search))).toEqual({ city: value });
  });

  it('of other types are numbers, short texts and lists of options', () => {
    const number: PageInput = { ...select, name: 'km', type: 'number', options: [], initial: 5 };
    const text: PageInput = { ...select, name: 'topic', type: 'text', options: [], initial: null };
    const multi: PageInput = { ...select, name: 'many', type: 'multi', initial: [1] };
    const values = (search: string) => inputsFrom([number, text, multi], new URLSearchParams(search));
    expect(values('km=7.5&topic=AI&many=b&many=zz')).toEqual({ km: 7.5, topic: 'AI', many: ['b'] });
    expect(values('km=many&topic=')).toEqual({ km: 5, topic: null, many: [1] });
    expect(values('km=&many=')).toEqual({ km: null, topic: null, many: [] });
  });

  it('that are fixed ignore the URL', () => {
    expect(inputsFrom([{ ...select, fixed: true }], new URLSearchParams('city=b'))).toEqual({ city: 1 });
  });
});

describe('links', () => {
  it('lead to a page of the dashboard with values of the row, encoded', () => {
    const link = linkOf('city: other.html?at={city}&km={km}', rows);
    expect(link?.column).toBe('city');
    expect(link?.addressOf(['Den & "Haag"', 60])).toBe('other.html?at=Den%20%26%20%22Haag%22&km=60');
    expect(link?.addressOf(['Utrecht', null])).toBeUndefined();
  });

  it.each([undefined, 'city', 'city: https://example.com', 'city: javascript:alert(1)'])(
    'there are none for %j',
    (text) => {
      expect(linkOf(text, rows)).toBeUndefined();
    },
  );
});

describe('the addresses of data', () => {
  it('are one for all inputs that make no difference, and differ for those that do', () => {
    const at = (city: InputValue) => dataAddress('groups', ['city'], { city, other: 1 });
    expect(dataAddress('groups', [], { city: 1 })).toBe('data/groups.json');
    expect(at(1)).toMatch(/^data\/groups\/city\/[0-9a-f]{16}\.json$/);
    expect(new Set([at(1), at('1'), at('b'), at(null), at(['b'])]).size).toBe(5);
  });

  it('belong to sets of queries with the same inputs', () => {
    const query = (name: string, keys: string[]) => ({ name, keys, filters: [] });
    expect(dataSetsOf([query('a', []), query('b', ['x']), query('c', [])])).toEqual([[], ['x']]);
    expect(toSearch({ a: [1, 'b c'], b: null, c: 2 }, ['a', 'b'])).toBe('a=1&a=b+c&b=');
  });
});

describe('a data set as text', () => {
  const set = {
    one: { columns: [], rows: [['a\nb', null]] },
    'odd "name"': { error: 'It failed,' },
    last: { columns: [], rows: [] },
  };

  it('is one JSON object', () => {
    expect(JSON.parse(textOf(set))).toEqual(set);
    expect(JSON.parse(textOf({}))).toEqual({});
  });

  it('has each result in a line of its own, which can be read before the others are there', () => {
    const lines = textOf(set).split('\n');
    expect(lines.flatMap(resultsIn)).toEqual(Object.entries(set));
    expect(lines.slice(0, 2).flatMap(resultsIn)).toEqual([['one', set.one]]);
  });
});
