import { describe, expect, it } from 'vitest';
import { asTexts, carriedType, cellOf, duckDbTypeOf, fromCarried } from '../../src/pull/types.ts';
import { DuckDbWarehouse } from '../../src/warehouse/duckdb.ts';
import { quoteLiteral } from '../../src/warehouse/sql.ts';

describe('types of a target', () => {
  it.each([
    ['bigint', 'BIGINT'],
    ['decimal(38,9)', 'DECIMAL(38,9)'],
    ['timestamp_ntz', 'TIMESTAMP'],
    ['array<struct<a:int,b:map<string,date>>>', 'STRUCT("a" INTEGER, "b" MAP(VARCHAR, DATE))[]'],
    ['variant', undefined],
    ['array<interval day>', undefined],
  ])('%s is %s in DuckDB', (type, here) => {
    expect(duckDbTypeOf(type)).toBe(here);
  });

  it('come as texts inside of lists, structs and maps', () => {
    expect(asTexts('`m`', 'map<bigint,array<binary>>')).toBe(
      "transform(map_entries(`m`), x0 -> named_struct('key', cast(x0.key as string), 'value', transform(x0.value, x1 -> hex(x1))))",
    );
    expect(asTexts('`s`', 'struct<when:timestamp>')).toBe(
      "case when `s` is not null then named_struct('when', cast(`s`.`when` as string)) end",
    );
  });

  it.each([
    ['BIGINT', '"9007199254740993"', '9007199254740993'],
    ['DECIMAL(38,9)', '"12345678901234567890123456789.123456789"', '12345678901234567890123456789.123456789'],
    ['DECIMAL(4,2)', '"-12.34"', '-12.34'],
    ['DOUBLE', '"1.0E-7"', '1e-07'],
    ['DOUBLE', '"-Infinity"', '-inf'],
    ['TIMESTAMP', '"2024-03-31 01:30:00.123456"', '2024-03-31 01:30:00.123456'],
    ['BLOB', '"00FF"', '\\x00\\xFF'],
    ['BLOB', '"ab1"', 'ab1'],
    ['JSON', '"{\\"a\\": 1}"', '{"a": 1}'],
    ['JSON', '"aa1 bb"', '"aa1 bb"'],
    ['BIGINT[]', '["1",null]', '[1, NULL]'],
    ['STRUCT("user Id" BIGINT, b DATE)[]', '[{"user id":"7"},null]', "[{'user Id': 7, 'b': NULL}, NULL]"],
    ['MAP(VARCHAR, DECIMAL(3,1))', '[{"key":"a","value":"1.5"}]', '{a=1.5}'],
    ['VARCHAR', 'null', null],
  ])('%s: %s loses nothing on the way', async (type, json, expected) => {
    expect(await brought(type, json)).toBe(expected);
  });

  it.each([
    ['DECIMAL(4,2)', '"1234"', '34.00'],
    ['DECIMAL(4,2)[]', '["-1234","12"]', '[-34.00, 12.00]'],
    ['DECIMAL(2,2)', '"7"', '.00'],
  ])('%s: an invented amount fits into its type', async (type, json, expected) => {
    expect(await brought(type, json)).toBe(expected);
  });
});

/** A value as text, after its way from the target's JSON into a column of DuckDB. */
async function brought(type: string, json: string): Promise<unknown> {
  const warehouse = await DuckDbWarehouse.inMemory();
  try {
    const line = JSON.stringify({ c0: cellOf(JSON.parse(json), type) });
    const from = `select (${quoteLiteral(line)}::json::STRUCT(c0 ${carriedType(type)})).c0 as c0`;
    const { rows } = await warehouse.query(
      `select cast(cast(${fromCarried('c0', type)} as ${type}) as varchar) from (${from})`,
    );
    return rows[0]?.[0];
  } finally {
    await warehouse.close();
  }
}
