import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sqlType } from '../../src/ingest/contract/column-types.ts';
import { isObject } from '../../src/ingest/contract/json-schema.ts';
import { contractOf, newAjv } from '../../src/ingest/schemas.ts';
import { quoteIdentifier } from '../../src/warehouse/sql.ts';
import { generateSchema, recordText } from './generated-schemas.ts';
import { type Bench, expectedOutcome, openBench, outcomeOf } from './reference.ts';
import { seeded } from './seeded.ts';

/* MEETUP_INGEST_SCHEMAS sets how many schemas to try, each with 24 records, and MEETUP_INGEST_SEED which ones. */
const schemas = Number(process.env.MEETUP_INGEST_SCHEMAS ?? 420);
const seed = Number(process.env.MEETUP_INGEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const RECORDS = 24;

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
afterAll(() => bench.close());

describe('load, for a random schema,', () => {
  it(
    'validates every record as ajv does, and reads the values that JSON.parse does',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.nat(2 ** 31 - 1), async (number) => {
          const random = seeded(number);
          const schema = generateSchema(random);
          const contract = contractOf(schema, newAjv());
          const texts = Array.from({ length: RECORDS }, () => recordText(schema, random));
          const columns = contract.record.fields.map(([name, type]) => `${quoteIdentifier(name)} ${sqlType(type)}`);
          await bench.warehouse.run(
            `create or replace table raw.things (${columns.join(', ')}, _batch_id varchar, _batch_seq integer, _dropped_on date,
             _source_file varchar, _record_index bigint, _loaded_at timestamp)`,
          );
          const file = { entity: 'things', name: 'things.json', content: `[${texts.join(',\n')}]` };
          const {
            counts,
            cut: _,
            ...outcome
          } = await outcomeOf(bench, contract, file, number % 2 === 0 ? 'by line' : 'by structure');
          const expected = expectedOutcome(contract, texts);
          expect({ schema, texts, outcome }).toEqual({ schema, texts, outcome: expected });
          expect(counts.read).toBe(texts.length);
        }),
        { numRuns: schemas, seed, endOnFailure: true },
      );
    },
    schemas * 2000,
  );
});

describe('a schema that cannot become a table', () => {
  it.each([
    ['not an object', { type: 'array' }, 'it does not describe an object with properties'],
    [
      'an unknown keyword',
      { type: 'object', properties: { a: { type: 'string', minLenght: 1 } } },
      'unknown keyword: "minLenght"',
    ],
    [
      'an unknown format',
      { type: 'object', properties: { a: { type: 'string', format: 'iban' } } },
      'unknown format "iban"',
    ],
    [
      'an unknown type',
      { type: 'object', properties: { a: { type: 'text' } } },
      'must be equal to one of the allowed values',
    ],
    [
      'names that differ only in case',
      { type: 'object', properties: { city: { type: 'string' }, City: { type: 'string' } } },
      "its properties 'city' and 'City' differ only in case",
    ],
    [
      'the name of a column that load adds',
      { type: 'object', properties: { _Batch_id: { type: 'string' } } },
      "the property '_Batch_id' has the name of a column that load adds",
    ],
    ['an empty name', { type: 'object', properties: { '': { type: 'string' } } }, 'has an empty name'],
  ])('is rejected: %s', (_, schema, why) => {
    expect(() => contractOf(schema, newAjv())).toThrow(why);
  });
});

it('a schema may have keywords without a type, open tuples, and conditions on properties that are described elsewhere', () => {
  const schema = {
    type: 'object',
    properties: {
      kind: { minLength: 1 },
      place: { type: 'array', prefixItems: [{ type: 'number' }, { type: 'number' }] },
      seats: { minimum: 3 },
    },
    allOf: [{ required: ['kind'] }],
    dependentRequired: { seats: ['place'] },
  };
  const { validate } = contractOf(schema, newAjv());
  const reasons = (value: object) => validate({ text: JSON.stringify(value), value });
  expect(reasons({ kind: 'a', place: [1, 2, 'c'], seats: 'many' })).toEqual([]);
  expect(reasons({ seats: 2 })).toHaveLength(3);
});

describe('the DuckDB type of a column', () => {
  const typeOf = (property: object, defs: object = {}): string => {
    const schema = { type: 'object', properties: { a: property }, $defs: defs };
    const field = contractOf(schema, newAjv()).record.fields[0];
    return field === undefined ? '' : sqlType(field[1]);
  };
  it.each([
    [{ type: 'integer' }, 'BIGINT'],
    [{ type: ['number', 'null'] }, 'DOUBLE'],
    [{ enum: ['a', 'b', null] }, 'VARCHAR'],
    [{ const: 3 }, 'BIGINT'],
    [{ type: 'boolean' }, 'BOOLEAN'],
    [{ type: 'array', items: { type: 'array', items: { type: 'integer' } } }, 'BIGINT[][]'],
    [{ type: 'object', properties: { select: { $ref: '#/$defs/d' } } }, 'STRUCT("select" DOUBLE)'],
    [{ anyOf: [{ type: 'integer' }, { type: 'number' }, { type: 'null' }] }, 'DOUBLE'],
    [{ oneOf: [{ type: 'string' }, { type: 'integer' }] }, 'JSON'],
    [{ type: ['string', 'integer'] }, 'JSON'],
    [{}, 'JSON'],
    [{ type: 'object', additionalProperties: { type: 'integer' } }, 'JSON'],
    [{ $ref: '#' }, 'JSON'],
  ])('for %j is %s', (property, type) => {
    expect(typeOf(property, { d: { type: 'number' } })).toBe(type);
  });
});

it('an integer that JSON.parse would round is rejected only if it would be stored in a column', async () => {
  const schema = {
    type: 'object',
    properties: {
      a: { type: 'integer' },
      b: { type: 'number' },
      c: {},
      d: { type: 'array', items: { type: 'integer' } },
    },
  };
  const contract = contractOf(schema, newAjv());
  const reasons = (text: string): readonly string[] => contract.validate({ text, value: JSON.parse(text) });
  const why = 'must be a number that can be stored exactly';
  expect(reasons('{"a":9007199254740993}')).toEqual([`/a ${why}`]);
  expect(reasons('{"a":1152921504606846976}')).toEqual([`/a ${why}`]);
  expect(reasons('{"a":1e20}')).toEqual([`/a ${why}`]);
  expect(reasons('{"b":9007199254740993}')).toEqual([`/b ${why}`]);
  expect(reasons('{"c":{"x":[1,1e400]}}')).toEqual([`/c/x/1 ${why}`]);
  expect(reasons('{"d":[1,9007199254740993,2]}')).toEqual([`/d/1 ${why}`]);
  expect(reasons('{"a":9007199254740991,"b":1e20,"unlisted":9007199254740993,"c":"9007199254740993"}')).toEqual([]);
  expect(isObject(contract.schema)).toBe(true);
});
