import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anonymise, type Input } from '../../src/test-new/anonymise.ts';
import type { Declared } from '../../src/test-new/declared.ts';
import { valuesInSql } from '../../src/test-new/sql-values.ts';
import type { Cell } from '../../src/warehouse/warehouse.ts';

type Columns = Readonly<Record<string, string>>;

/** An input with these columns, given as names and types. */
const table = (columns: Columns, rows: Cell[][], declared: Readonly<Record<string, Declared>> = {}): Input => ({
  reference: "ref('x')",
  rows: { columns: Object.entries(columns).map(([name, type]) => ({ name, type })), rows },
  declared: new Map(Object.entries(declared)),
});

const rowsOf = (inputs: Input[], sql = '') => anonymise(inputs, valuesInSql(sql)).given.map(({ rows }) => rows);

describe('strings', () => {
  test('are replaced in every column, consistently and in their sort order', () => {
    const [a, b] = rowsOf([
      table({ anything: 'VARCHAR', more: 'VARCHAR' }, [
        ['Zoe', 'Ann'],
        ['Bob', null],
      ]),
      table({ x: 'VARCHAR' }, [['Ann'], ['zoe']]),
    ]);
    expect(a).toEqual([
      ['Aa3', 'Aa1'],
      ['Aa2', null],
    ]);
    expect(b).toEqual([['Aa1'], ['aa3']]);
  });

  test('keep their punctuation, case and surrounding spaces, so that a model splits and trims them as before', () => {
    const texts = ['ann@mail.nl', ' Ann ', 'a, B; C', 'https://ann.nl/x?y=1', 'ANN'];
    const [rows] = rowsOf([
      table(
        { x: 'VARCHAR' },
        texts.map((text) => [text]),
      ),
    ]);
    const shapes = rows?.map(([cell]) =>
      String(cell).replaceAll(/[a-z]+\d+/gi, (word) => (/[A-Z]{2}/.test(word) ? 'WW' : /[A-Z]/.test(word) ? 'W' : 'w')),
    );
    expect(shapes).toEqual(['w@w.w', ' W ', 'w, WW; WW', expect.stringMatching(/^w:\/\/w\.w\/w\?w=\d+$/), 'WW']);
  });

  test('can still be cast if they are numbers, dates, UUIDs or hashes', () => {
    const uuid = '3f2504e0-4f89-41d3-9a0c-0305e82c3301';
    const hash = 'd41d8cd98f00b204e9800998ecf8427e';
    const [rows] = rowsOf([table({ x: 'VARCHAR' }, [['0612345678'], ['2026-01-02'], [uuid], [hash], ['12.5']])]);
    expect(rows?.map(([cell]) => cell)).toEqual([
      expect.stringMatching(/^\d$/),
      '2026-01-02',
      expect.stringMatching(/^00000000-0000-4000-8000-[0-9a-f]{12}$/),
      expect.stringMatching(/^0{20}[0-9a-f]{12}$/),
      expect.stringMatching(/^\d+\.\d+$/),
    ]);
  });

  test('are replaced within lists, structs, maps and JSON', () => {
    const types = {
      a: 'VARCHAR[]',
      b: 'STRUCT(who VARCHAR, at DATE)[]',
      c: 'MAP(VARCHAR, STRUCT(n VARCHAR))',
      d: 'JSON',
    };
    const row: Cell[] = [
      ['Ann'],
      [{ who: 'Ann', at: '2026-01-01' }],
      [{ key: 'Ann', value: { n: 'Bob' } }],
      '{"name": "Ann"}',
    ];
    const [rows] = rowsOf([table(types, [row])]);
    expect(JSON.stringify(rows)).not.toMatch(/Ann|Bob|name/);
    expect(rows?.[0]?.[1]).toEqual([{ who: expect.any(String), at: '2026-01-01' }]);
    expect(JSON.parse(String(rows?.[0]?.[3]))).toEqual({
      [String(Object.keys(JSON.parse(String(rows?.[0]?.[3])))[0])]: expect.any(String),
    });
  });

  test('are kept and listed if the SQL contains them, even within a longer string', () => {
    const sql = "select 1 -- not 'Ann'\nwhere a = 'yes' and lower(b) like '%cancelled%' and c = 'it''s'";
    const input = table({ a: 'VARCHAR', b: 'VARCHAR' }, [
      ['yes', 'Party CANCELLED by Ann'],
      ["it's", 'Ann'],
    ]);
    const { given, kept } = anonymise([input], valuesInSql(sql));
    expect(given[0]?.rows[0]).toEqual(['yes', expect.stringMatching(/^Aa\d+ CANCELLED aa\d+ Aa\d+$/)]);
    expect(given[0]?.rows[1]).toEqual(["it's", expect.stringMatching(/^Aa\d+$/)]);
    expect(kept).toEqual([
      { where: "ref('x').a", why: 'the SQL names it', values: ["it's", 'yes'] },
      { where: "ref('x').b", why: 'the SQL names it', values: ['CANCELLED'] },
    ]);
  });

  test('are kept if the schema declares the column as not personal', () => {
    const { given, kept } = anonymise(
      [table({ Topic: 'VARCHAR' }, [['Data']], { topic: { personal: false } })],
      valuesInSql(''),
    );
    expect(given[0]?.rows).toEqual([['Data']]);
    expect(kept).toEqual([{ where: "ref('x').Topic", why: 'the schema says that it is not personal', values: [] }]);
  });

  test('are kept only in the struct field that the schema declares as not personal', () => {
    const input = table({ answers: 'STRUCT(response VARCHAR, who VARCHAR)[]' }, [[[{ response: 'Yes', who: 'Ann' }]]], {
      'answers.response': { personal: false },
    });
    const { given, kept } = anonymise([input], valuesInSql(''));
    expect(given[0]?.rows).toEqual([[[{ response: 'Yes', who: expect.stringMatching(/^Aa\d$/) }]]]);
    expect(kept).toEqual([
      { where: "ref('x').answers.response", why: 'the schema says that it is not personal', values: [] },
    ]);
  });

  test('of one or two letters are kept, such as country codes', () => {
    expect(rowsOf([table({ x: 'VARCHAR' }, [['NL'], ['é']])])).toEqual([[['NL'], ['é']]]);
  });
});

describe('numbers', () => {
  test('are replaced in columns that meetup.yml declares as personal', () => {
    const [rows] = rowsOf([
      table({ weight: 'INTEGER', height: 'INTEGER' }, [[83, 180]], { weight: { personal: true } }),
    ]);
    expect(rows).toEqual([[1, 180]]);
  });

  test('that identify somebody are renumbered from 1, consistently, in their sort order, and as strings too', () => {
    const [users, orders] = rowsOf([
      table({ id: 'BIGINT', age: 'INTEGER' }, [
        [950, 33],
        [30, 44],
      ]),
      table({ buyer: 'STRUCT(user_id BIGINT)', phone: 'VARCHAR', seats: 'INTEGER' }, [[{ user_id: 950 }, '30', 2]]),
    ]);
    expect(users).toEqual([
      [2, 33],
      [1, 44],
    ]);
    expect(orders).toEqual([[{ user_id: 2 }, '1', 2]]);
  });

  test('keep their type and sign, and stay the same if they are zero or compared with in the SQL', () => {
    const sql = 'select * from x where id > 2 and id <> 77';
    const [rows] = rowsOf([table({ id: 'HUGEINT' }, [['9007199254740993'], [0], [-5], [77], [10]])], sql);
    expect(rows).toEqual([['78'], [0], [-3], [77], [3]]);
  });

  test('that look like phone or account numbers are replaced in any column, but timestamps and amounts are not', () => {
    const [rows] = rowsOf([
      table({ x: 'BIGINT', y: 'BIGINT', z: 'BIGINT' }, [[612345678, 1_767_225_600_000, 250_000]]),
    ]);
    expect(rows).toEqual([[1, 1_767_225_600_000, 250_000]]);
  });

  test('are always replaced if the schema declares them as personal or as a key', () => {
    const columns = { reference: 'BIGINT', income: 'DOUBLE', size: 'INTEGER', met: 'DATE', seats: 'INTEGER' };
    const [rows] = rowsOf([
      table(columns, [[950, 31_000.5, 43, '2025-05-06', 9]], {
        reference: { key: true },
        income: { personal: true },
        size: { personal: true },
        met: { personal: true },
      }),
    ]);
    expect(rows).toEqual([[2, 1, 1, '1970-01-01', 9]]);
  });

  test('of a date of birth are replaced too, in sort order', () => {
    const [rows] = rowsOf([table({ birth_date: 'DATE', dob: 'VARCHAR' }, [['1980-05-06', '1979-01-01']])]);
    expect(rows).toEqual([['1970-01-02', '1970-01-01']]);
  });
});

describe('anonymised data, for random input,', () => {
  const runs = Number(process.env.MEETUP_PROPERTY_RUNS ?? 500);
  const seed = Number(process.env.MEETUP_PROPERTY_SEED ?? 20261128);
  const name = fc.oneof(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
    fc.constantFrom(
      'Ann',
      'ann@x.nl',
      'yes',
      'Aa1',
      'aa12',
      'ab3',
      'New York',
      'O’Neil',
      "it's",
      'Δοκιμή',
      '東京都',
      '{{ x }}',
      'a\nb\nc',
      'true',
      'Group 1',
      'İstanbul',
    ),
    fc.lorem({ maxCount: 12 }),
  );
  const sqlText = fc.constantFrom("'yes'", "'New' || 'York'", "like '%true%'", "'it''s'", '1');

  test('contains no string of more than two letters from the input, unless the SQL does', () => {
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 12 }), sqlText, (texts, expression) => {
        const sql = `select ${expression}`;
        const [flat, nested] = rowsOf(
          [
            table(
              { x: 'VARCHAR' },
              texts.map((text) => [text]),
            ),
            table(
              { y: 'STRUCT(z VARCHAR[])' },
              texts.map((text) => [{ z: [text] }]),
            ),
          ],
          sql,
        );
        const written = [...(flat ?? []), ...(nested ?? [])].flat().map((cell) => textsIn(cell));
        for (const text of texts) {
          const letters = text.match(/\p{L}/gu)?.length ?? 0;
          if (letters <= 2 || sql.replaceAll("''", "'").toLowerCase().includes(text.toLowerCase())) continue;
          for (const value of written.flat()) expect(value.toLowerCase()).not.toContain(text.toLowerCase());
        }
      }),
      { numRuns: runs, seed },
    );
  });

  test('keeps equal strings equal and different strings different, ignoring case', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string({ minLength: 3, maxLength: 8 }), { selector: (text) => text.toLowerCase() }),
        (texts) => {
          const words = texts.filter((text) => /^[a-z]+$/i.test(text));
          const [rows = []] = rowsOf([
            table(
              { x: 'VARCHAR' },
              [...words, ...words].map((text) => [text]),
            ),
          ]);
          expect(new Set(rows.map(([cell]) => String(cell).toLowerCase())).size).toBe(words.length);
        },
      ),
      { numRuns: runs, seed },
    );
  });
});

function textsIn(cell: Cell): string[] {
  if (typeof cell === 'string') return [cell];
  return typeof cell === 'object' && cell !== null ? Object.values(cell).flatMap(textsIn) : [];
}
