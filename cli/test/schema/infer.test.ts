import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { run } from '../../src/commands/schema-infer.ts';
import type { JsonSchema } from '../../src/ingest/contract/json-schema.ts';
import { contractOf, newAjv } from '../../src/ingest/schemas.ts';
import { inferSchema } from '../../src/schema/infer/infer.ts';
import { inferFiles } from '../../src/schema/infer/infer-files.ts';
import { schemaText } from '../../src/schema/schema-text.ts';
import { quietEffects, temporaryFolder } from '../support/effects.ts';

/* MEETUP_INFER_RUNS sets how many generated files to try, and MEETUP_INFER_SEED which ones. */
const numRuns = Number(process.env.MEETUP_INFER_RUNS ?? 100);
const seed = Number(process.env.MEETUP_INFER_SEED ?? Math.floor(Math.random() * 2 ** 31));

const ajv = newAjv();

async function fileWith(name: string, content: string | Uint8Array): Promise<string> {
  const file = join(await temporaryFolder(), name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
  return file;
}

/** The inferred schema of a property with these values. */
async function propertyOf(values: readonly unknown[], name = 'a'): Promise<JsonSchema | undefined> {
  const records = values.map((value, index) => (value === undefined ? { id: index } : { id: index, [name]: value }));
  const { schema } = await inferSchema(
    'things',
    [await fileWith('things.json', JSON.stringify(records))],
    quietEffects(),
  );
  const record = contractOf(schema, ajv).schema.properties;
  return typeof record === 'object' && record !== null
    ? Object.entries(record).find(([key]) => key === name)?.[1]
    : undefined;
}

const times = <T>(count: number, item: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => item(i));

describe('an inferred schema', () => {
  it.each<[string, unknown[], object, string?]>([
    ['integers', [3, -4], { type: 'integer' }],
    ['integers and null', [3, null], { type: ['integer', 'null'] }],
    ['integers and decimal numbers', [3, 4.5], { type: 'number' }],
    ['strings', ['x', 'y z'], { type: 'string' }],
    ['booleans', [true, false], { type: 'boolean' }],
    ['strings and numbers', ['x', 1], { type: ['integer', 'string'] }],
    ['only nulls', [null, null], {}],
    ['empty lists', [[], []], { type: 'array' }],
    ['empty objects', [{}], { type: 'object' }],
    ['dates', ['2026-01-31', '2024-02-29'], { type: 'string', format: 'date' }],
    ['invalid dates', ['2026-01-31', '2026-02-30'], { type: 'string' }],
    ['timestamps as strings', ['2026-01-31T10:00:00Z'], { type: 'string', format: 'date-time' }],
    ['URLs', ['https://example.org/a', 'http://b.nl'], { type: 'string', format: 'uri' }],
    ['uuids', ['123e4567-e89b-12d3-a456-426614174000'], { type: 'string', format: 'uuid' }],
    ['a few repeated values', times(30, (i) => ['yes', 'no', 'waitlist'][i % 3]), { enum: ['no', 'waitlist', 'yes'] }],
    [
      'a few repeated values and null',
      times(40, (i) => ['yes', 'no', null, 'no'][i % 4]),
      { enum: ['no', 'yes', null] },
    ],
    ['a few values in only a few records', ['yes', 'no', 'yes'], { type: 'string' }],
    [
      'cities, even if there are only a few',
      times(300, (i) => ['Delft', 'Gouda'][i % 2]),
      { type: 'string' },
      'home_city',
    ],
    ['two-letter codes', times(30, (i) => ['NL', 'BE'][i % 2]), { type: 'string', pattern: '^[A-Z]{2}$' }],
    ['counts from zero', times(30, (i) => i), { type: 'integer', minimum: 0 }],
    ['temperatures', times(30, (i) => i + 4), { type: 'integer' }],
    ['epoch milliseconds', [1_700_000_000_000], { type: 'integer', minimum: 0, maximum: 4_102_444_799_999 }, 'created'],
    ['article numbers', [1_700_000_000_000], { type: 'integer' }, 'ean'],
    ['latitudes', [52.1, 4], { type: 'number', minimum: -90, maximum: 90 }, 'lat'],
    ['lists of integers', [[1], []], { type: 'array', items: { type: 'integer' } }],
    [
      'objects',
      [{ x: 1, y: 'a' }, { x: 2 }],
      { type: 'object', required: ['x'], properties: { x: { type: 'integer' }, y: { type: 'string' } } },
    ],
    [
      'objects whose keys are data',
      [Object.fromEntries(times(40, (i) => [`k${i}`, 5])), ...times(9, () => ({ k1: 7 }))],
      { type: 'object', additionalProperties: { type: 'integer' } },
    ],
  ])('describes %s', async (_, values, schema, name) => {
    expect(await propertyOf(values, name)).toEqual(schema);
  });

  it('allows a type that few values have, and says so', async () => {
    const records = times(40, (index) => ({ id: index, age: index === 7 ? 'x' : index }));
    const file = await fileWith('things.json', JSON.stringify(records));
    const { schema, notes } = await inferSchema('things', [file], quietEffects());
    expect(schema.properties).toMatchObject({ age: { type: ['integer', 'string'] } });
    expect(notes).toEqual(['/age is a string in only 1 of 40 values: remove the type from the schema to reject them.']);
  });

  it('treats 10.0 as a decimal number', async () => {
    const file = await fileWith('things.json', '[{"price": 10.0, "count": 10}]');
    const { schema } = await inferSchema('things', [file], quietEffects());
    expect(schema.properties).toEqual({ price: { type: 'number' }, count: { type: 'integer' } });
  });

  it('requires properties that every record has, and takes a unique one as the key', async () => {
    const file = await fileWith('users.json', '[{"user_id":1,"group_id":7,"city":"a"},{"user_id":2,"group_id":7}]');
    const { schema, records } = await inferSchema('users', [file], quietEffects());
    expect(schema).toMatchObject({ 'x-meetup': { key: ['user_id'] }, required: ['user_id', 'group_id'] });
    expect(records).toBe(2);
  });

  it('has no key if all candidates have values of two types', async () => {
    const file = await fileWith('users.json', '[{"user_id":1},{"user_id":"a"}]');
    expect((await inferSchema('users', [file], quietEffects())).schema).not.toHaveProperty('x-meetup');
  });

  it('is the same for an array, one record per line, a gzipped file, and several files of one entity', async () => {
    const records = [
      { id: 1, tags: ['a'], at: '2026-01-31' },
      { id: 2, tags: [] },
    ];
    const lines = records.map((record) => JSON.stringify(record)).join('\n');
    const files = [
      [await fileWith('things.json', JSON.stringify(records, null, 2))],
      [await fileWith('things.ndjson', lines)],
      [await fileWith('things.jsonl.gz', gzipSync(lines))],
      [await fileWith('2026-01-01/things.json', lines), await fileWith('2026-01-02/things.json', lines)],
    ];
    const texts = await Promise.all(
      files.map(async (paths) => schemaText((await inferSchema('things', paths, quietEffects())).schema)),
    );
    expect(new Set(texts).size).toBe(1);
  });

  it('leaves out properties that cannot become columns, with a note', async () => {
    const file = await fileWith(
      'things.json',
      '[{"id":1,"_batch_id":2,"City":"x","city":"y","":0},{"id":2,"city":"z"}]',
    );
    const { schema, notes } = await inferSchema('things', [file], quietEffects());
    expect(schema.properties).toEqual({ id: { type: 'integer' }, city: { type: 'string' } });
    expect(notes).toEqual([
      'The property "_batch_id" of / is left out, because it is not a valid column name.',
      'The property "City" of / is left out, because it differs from "city" only in case.',
      'The property "" of / is left out, because it is not a valid column name.',
    ]);
  });

  it('has a note about numbers that cannot be stored exactly', async () => {
    const file = await fileWith('things.json', '[{"id":1,"n":[9007199254740993]}]');
    const { schema, notes } = await inferSchema('things', [file], quietEffects());
    expect(schema.properties).toMatchObject({ n: { items: { type: 'integer' } } });
    expect(notes).toEqual(["/n/[] has numbers that can't be stored exactly (1): load rejects their records."]);
  });
});

/** Random values of many types. */
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom('yes', 'no', 'NL', 'x y', '', '2026-01-31', 'https://a.nl/b') },
    { weight: 3, arbitrary: fc.integer({ min: -3, max: 40 }) },
    { weight: 1, arbitrary: fc.double({ noNaN: true, min: -1e15, max: 1e15 }) },
    { weight: 1, arbitrary: fc.constantFrom(null, true, false) },
    { weight: 1, arbitrary: fc.array(tie('any'), { maxLength: 4 }) },
    { weight: 1, arbitrary: fc.dictionary(fc.constantFrom('a', 'A', 'b', '__proto__', ''), tie('any')) },
  ),
})).any;
const record = fc.dictionary(fc.constantFrom('id', 'a', 'b', 'at', 'lat', 'Tags', 'tags', 'order'), value, {
  minKeys: 1,
});

it(
  'a schema accepts all records that it was inferred from, and does not depend on their order',
  async () => {
    const folder = await temporaryFolder();
    const file = join(folder, 'things.json');
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { minLength: 1, maxLength: 60 }),
        fc.infiniteStream(fc.nat()),
        async (records, order) => {
          await writeFile(file, JSON.stringify(records));
          const { schema } = await inferSchema('things', [file], quietEffects());
          const contract = contractOf(schema, ajv);
          for (const one of records) {
            const text = JSON.stringify(one);
            expect(contract.validate({ text, value: JSON.parse(text) })).toEqual([]);
          }
          const shuffled = records.map((one) => ({ one, at: Number(order.next().value) })).sort((a, b) => a.at - b.at);
          await writeFile(file, shuffled.map(({ one }) => JSON.stringify(one)).join('\n'));
          expect(schemaText((await inferSchema('things', [file], quietEffects())).schema)).toBe(schemaText(schema));
        },
      ),
      { numRuns, seed },
    );
  },
  30_000 + numRuns * 200,
);

describe('meetup schema infer', () => {
  const options = async (files: string[]) => ({
    files,
    out: join(await temporaryFolder(), 'schemas'),
    force: false,
    prints: false,
  });

  it('writes one schema per entity, and reports it as unchanged the second time', async () => {
    const given = await options([await fileWith('b.json', '[{"id":1}]'), await fileWith('a.json', '[{"id":1}]')]);
    const first = await run(given, quietEffects());
    expect(first.report.schemas.map(({ entity, status }) => [entity, status])).toEqual([
      ['a', 'written'],
      ['b', 'written'],
    ]);
    const second = await run(given, quietEffects());
    expect(second.report.schemas.map(({ status }) => status)).toEqual(['unchanged', 'unchanged']);
    expect(JSON.parse(await readFile(join(given.out, 'a.schema.json'), 'utf8'))).toEqual(
      first.report.schemas[0]?.schema,
    );
  });

  it('replaces a different schema only with --force', async () => {
    const given = await options([await fileWith('a.json', '[{"id":1}]')]);
    const schema = join(given.out, 'a.schema.json');
    await mkdir(given.out);
    await writeFile(schema, '{}');
    await expect(run(given, quietEffects())).rejects.toThrow(/a\.schema\.json already exists with different content: /);
    expect(await readFile(schema, 'utf8')).toBe('{}');
    await run({ ...given, force: true }, quietEffects());
    expect(await readFile(schema, 'utf8')).toContain('"id"');
  });

  it.each([
    ['a.json', '[{"id":1},\n{"id":}]', /a\.json is not JSON at line 2, in record 1: /],
    ['a.json', '[1]', /a\.json holds a record that is not an object: record 0/],
    ['a.json', '', /a\.json holds no records to infer a schema from/],
    ['a.json', '[{}]', /The records of a have no property that could be a column/],
    ['a.json.gz', 'not gzipped', /a\.json\.gz is not JSON at line 1, .*|a\.json\.gz can't be read/],
    ['A b.json', '[{"id":1}]', /A b\.json can't be loaded under its name: rename it/],
    [
      'batches.json',
      '[{"id":1}]',
      /batches\.json can't be loaded under its name: rename it, because `load` uses the name/,
    ],
    [
      'a.json',
      Buffer.from('[{"id":"caf\xe9"}]', 'latin1'),
      /a\.json can't be read \(its text is not UTF-8: save it as UTF-8\)/,
    ],
    ['a.csv', 'id', /a\.csv is not named like a JSON file/],
  ])('rejects %s with one sentence: %j', async (name, content, sentence) => {
    const given = await options([await fileWith(name, content)]);
    await expect(run(given, quietEffects())).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(sentence),
    });
  });

  it("names every file that it can't use, each in a sentence", async () => {
    const files = [
      await fileWith('A b.json', '[{"id":1}]'),
      await fileWith('a.json', '[{"id":1},\n{"id":}]'),
      await fileWith('b.json', '[1, 2]'),
      await fileWith('2026-01-02/b.ndjson', '{"id":\n'),
      await fileWith('c.json', ''),
      await fileWith('d.json', '[{"id":1}]'),
    ];
    const given = await options(files);
    await expect(run(given, quietEffects())).rejects.toMatchObject({
      name: 'UnusableFilesError',
      exitCode: 2,
      message: expect.stringMatching(/^5 problems with the files:\n {2}/),
      faults: [
        expect.stringContaining("A b.json can't be loaded under its name"),
        expect.stringContaining('a.json is not JSON at line 2, in record 1'),
        expect.stringMatching(/b\.ndjson is not JSON at line 1|b\.json holds a record/),
        expect.stringMatching(/b\.ndjson is not JSON at line 1|b\.json holds a record/),
        expect.stringContaining('c.json holds no records'),
      ],
    });
  });

  it('assigns each file to the entity that it is named after', async () => {
    const files = [
      await fileWith('z/users.ndjson.gz', gzipSync('{"id":1}\n')),
      await fileWith('a/users.json', '[{"id":2}]'),
      await fileWith('events.jsonl', '{"id":3}\n'),
    ];
    const inferred = await inferFiles(files, quietEffects());
    expect(inferred.map(({ entity, records }) => [entity, records])).toEqual([
      ['events', 1],
      ['users', 2],
    ]);
  });
});
