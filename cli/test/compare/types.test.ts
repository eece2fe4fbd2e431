import { describe, expect, it } from 'vitest';
import { canonicalType, withoutWidths } from '../../src/compare/types.ts';

describe('the canonical type', () => {
  it.each([
    ['BIGINT', 'bigint', 'int64'],
    ['INTEGER', 'int', 'int32'],
    ['FLOAT', 'float', 'float32'],
    ['DOUBLE', 'double', 'float64'],
    ['VARCHAR', 'string', 'string'],
    ['VARCHAR', 'varchar(20)', 'string'],
    ['VARCHAR', 'string collate UTF8_LCASE', 'string'],
    ['BLOB', 'binary', 'binary'],
    ['BOOLEAN', 'boolean', 'boolean'],
    ['DATE', 'date', 'date'],
    ['TIMESTAMP', 'timestamp_ntz', 'timestamp'],
    ['TIMESTAMP WITH TIME ZONE', 'timestamp', 'timestamp'],
    ['DECIMAL(18,3)', 'decimal(18,3)', 'decimal(18,3)'],
    ['VARCHAR[]', 'array<string>', 'array<string>'],
    ['DECIMAL(9,2)[][]', 'array<array<decimal(9,2)>>', 'array<array<decimal(9,2)>>'],
    ['MAP(VARCHAR, DECIMAL(9,2))', 'map<string,decimal(9,2)>', 'map<string,decimal(9,2)>'],
    [
      'STRUCT(user_id BIGINT, "when" DECIMAL(9,2)[], "a, b" VARCHAR)[]',
      'array<struct<user_id:bigint,When:array<decimal(9,2)>,`a, b`:string>>',
      'array<struct<user_id:int64,when:array<decimal(9,2)>,`a, b`:string>>',
    ],
  ])("of DuckDB's %s and Spark's %s is %s", (duckDb, spark, canonical) => {
    expect(canonicalType(duckDb)).toBe(canonical);
    expect(canonicalType(spark)).toBe(canonical);
    expect(canonicalType(canonical)).toBe(canonical);
  });

  it('of an unknown type is its own name, so that it differs from every other', () => {
    expect(canonicalType('HUGEINT')).toBe('hugeint');
    expect(canonicalType('DECIMAL(18,3)')).not.toBe(canonicalType('DECIMAL(18,2)'));
  });
});

describe('a type without widths', () => {
  it.each([
    ['int32', 'int64'],
    ['hugeint', 'int64'],
    ['decimal(38,0)', 'int64'],
    ['decimal(20,2)', 'decimal(38,2)'],
    ['array<struct<int32:int32,b:string>>', 'array<struct<int32:int64,b:string>>'],
    ['map<int8,float64>', 'map<int64,float64>'],
  ])('of %s is %s', (type, wide) => {
    expect(withoutWidths(type)).toBe(wide);
  });
});
