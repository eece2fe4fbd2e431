import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compareTable } from '../../src/scenarios/compare-rows.ts';
import { readExpected } from '../../src/scenarios/expected.ts';
import { DuckDbWarehouse } from '../../src/warehouse/duckdb.ts';
import { temporaryFolder } from '../support/effects.ts';

async function expected(name: string, text: string) {
  const folder = await temporaryFolder();
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, name), text);
  const [table] = await readExpected(folder, 'expected/day-1', '|');
  if (table === undefined) throw new Error('nothing was read');
  return table;
}

/** Compares the rows of a query with the expected rows in a file. */
async function compare(select: string, name: string, text: string) {
  const table = await expected(name, text);
  const warehouse = await DuckDbWarehouse.inMemory();
  try {
    await warehouse.run(`attach ':memory:' as built`);
    await warehouse.run('create schema built.marts');
    await warehouse.run(`create table built.marts.t as ${select}`);
    return await compareTable(warehouse, 'built', table, ['marts']);
  } finally {
    await warehouse.close();
  }
}

const twoRows = `select * from (values (1, 'a'), (2, null)) as rows (id, name)`;

describe('expected rows', () => {
  test('match in any order, and only in the named columns', async () => {
    expect(await compare(twoRows, 't.yml', '- {id: 2}\n- {id: 1}\n')).toBeUndefined();
  });

  test('can be CSV, in which an empty cell is null and "" is an empty string', async () => {
    expect(await compare(twoRows, 't.csv', 'id,name\n2,\n# a comment\n1,a\n')).toBeUndefined();
    const difference = await compare(twoRows, 't.csv', 'id,name\n2,""\n1,a\n');
    expect(difference?.different).toEqual([{ line: 2, row: [2, ''], found: [2, null] }]);
  });

  test('are counted: a duplicate row is expected twice', async () => {
    const difference = await compare(`select 1 as id union all select 1`, 't.yml', '- {id: 1}\n');
    expect(difference).toMatchObject({ missing: [], different: [], extra: [[1]] });
  });

  test('report the line of a missing row, next to the most similar one', async () => {
    const difference = await compare(
      twoRows,
      't.yml',
      '# first\n- {id: 1, name: a}\n- {id: 2, name: b}\n- {id: 9, name: z}\n',
    );
    expect(difference).toMatchObject({
      different: [{ line: 3, row: [2, 'b'], found: [2, null] }],
      missing: [{ line: 4, row: [9, 'z'] }],
      extra: [],
    });
  });

  test('may be empty', async () => {
    expect(await compare(`${twoRows} where false`, 't.yml', '[]\n')).toBeUndefined();
    expect((await compare(twoRows, 't.yml', '[]\n'))?.extra).toHaveLength(2);
  });

  test('may cover only some rows', async () => {
    expect(await compare(twoRows, 't.yml', 'where: id > 1\nrows:\n  - {id: 2, name: null}\n')).toBeUndefined();
  });

  test.each([
    ['a string for a number', `select 2 as c`, `'2'`],
    ['a number for a string', `select '2' as c`, '2'],
    ['a number for a boolean', `select true as c`, '1'],
    ['an invalid timestamp', `select timestamp '2026-01-01 00:00:01' as c`, `noon`],
  ])('must have the type of the column: %s', async (_what, select, value) => {
    expect((await compare(select, 't.yml', `- {c: ${value}}\n`))?.problem).toMatch(/^expected\/day-1\/t.yml:1: c is /);
  });

  test.each([
    ['timestamps, in any usual spelling', `select timestamp '2026-01-05 18:30:00' as c`, `'2026-01-05T18:30:00Z'`],
    ['milliseconds', `select timestamp '2026-01-05 18:30:00.120' as c`, `'2026-01-05 18:30:00.12'`],
    ['large numbers', `select 9007199254740991 as c`, '9007199254740991'],
    ['doubles, to twelve digits', 'select 0.1::double + 0.2::double as c', '0.3'],
    ['lists', `select ['a', 'b'] as c`, '[a, b]'],
    ['decimals', `select 1.50 as c`, '1.5'],
  ])('can contain %s', async (_what, select, value) => {
    expect(await compare(select, 't.yml', `- {c: ${value}}\n`)).toBeUndefined();
  });

  test('compute surrogate keys from their parts', async () => {
    const select = `select md5('1|1767637800000|reused') as c`;
    expect(await compare(select, 't.yml', '- {c: {$key: [1, 2026-01-05T18:30:00Z, reused]}}\n')).toBeUndefined();
  });

  test('fail without a crash if a column is unknown', async () => {
    expect((await compare(twoRows, 't.yml', '- {nmae: a}\n'))?.problem).toMatch(/nmae/);
  });

  test.each([
    ['rows with other columns', '- {id: 1}\n- {id: 2, name: b}\n', 't.yml:2: all rows must name the same columns'],
    ['no rows', 'id: 1\n', 'it must hold a list of rows'],
    ['broken YAML', '- {id: 1\n', 'not valid YAML'],
    ['a row that is not a map', '- 1\n', 't.yml:1: a row must name its columns'],
  ])('are rejected with the place of an error: %s', async (_what, text, message) => {
    await expect(expected('t.yml', text)).rejects.toThrow(message);
  });

  test('must be in a file named after a table', async () => {
    await expect(expected('Fct Events.yaml', '[]')).rejects.toThrow('does not name a table');
  });
});
