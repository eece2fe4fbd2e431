import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run } from '../../src/commands/schema-propose.ts';
import type { Paths } from '../../src/config/paths.ts';
import { load } from '../../src/ingest/load.ts';
import { propose } from '../../src/schema/propose/propose.ts';
import { schemaText } from '../../src/schema/schema-text.ts';
import { put, rowsOf } from '../ingest/support.ts';
import { quietEffects, temporaryPaths } from '../support/effects.ts';

const objectOf = (properties: object, more: object = {}): object => ({
  $id: 'test:things',
  type: 'object',
  required: ['id'],
  properties: { id: { type: 'integer' }, ...properties },
  ...more,
});

const parsed = (text: string): unknown => JSON.parse(text);

const proposal = (schema: object, values: readonly unknown[], least = 1) =>
  propose(
    'things.schema.json',
    schemaText(schema),
    values.map((value) => ({ value, text: JSON.stringify(value) })),
    least,
  );

describe('a proposed change of a schema', () => {
  it.each<[string, object, unknown[], string, object]>([
    [
      'a new value',
      { a: { enum: ['x'] } },
      [{ id: 1, a: 'y' }],
      'allow "y" in /properties/a',
      { a: { enum: ['x', 'y'] } },
    ],
    [
      'null',
      { a: { type: 'string' } },
      [{ id: 1, a: null }],
      'allow null in /properties/a',
      { a: { type: ['string', 'null'] } },
    ],
    [
      'a decimal number',
      { a: { type: ['integer', 'null'] } },
      [{ id: 1, a: 1.5 }],
      'allow the type number in /properties/a',
      { a: { type: ['number', 'null'] } },
    ],
    [
      'another type',
      { a: { type: 'integer' } },
      [{ id: 1, a: 'x' }],
      'allow the type string in /properties/a',
      { a: { type: ['integer', 'string'] } },
    ],
    [
      'a greater number',
      { a: { type: 'integer', maximum: 5 } },
      [
        { id: 1, a: 9 },
        { id: 2, a: 7 },
      ],
      'set maximum to 9 in /properties/a',
      { a: { type: 'integer', maximum: 9 } },
    ],
    [
      'a longer text',
      { a: { type: 'string', maxLength: 1 } },
      [{ id: 1, a: '🎉b' }],
      'set maxLength to 2 in /properties/a',
      { a: { type: 'string', maxLength: 2 } },
    ],
    [
      'a text in another form',
      { a: { type: 'string', pattern: '^x$' } },
      [{ id: 1, a: 'y' }],
      'remove pattern in /properties/a',
      { a: { type: 'string' } },
    ],
  ])('admits %s', (_, properties, values, what, after) => {
    const { changes, text, admits, rejected } = proposal(objectOf(properties), values);
    expect(changes).toEqual([{ what, concerns: values.length, admits: values.length }]);
    expect({ admits, rejected }).toEqual({ admits: values.length, rejected: values.length });
    expect(JSON.parse(text)).toEqual(objectOf(after));
  });

  it('lists a new property with the schema of its values', () => {
    const records = [
      { id: 1, at: '2026-01-31', 'a/b': 1.5 },
      { id: 2, at: '2026-02-01' },
    ];
    const { changes, text } = proposal(objectOf({}, { additionalProperties: false }), records);
    expect(changes).toEqual([
      { what: 'add the property at in the record', concerns: 2, admits: 1 },
      { what: 'add the property a/b in the record', concerns: 1, admits: 0 },
    ]);
    expect(JSON.parse(text)).toMatchObject({
      properties: { at: { type: 'string', format: 'date' }, 'a/b': { type: 'number' } },
    });
  });

  it('makes a property optional that records lack, but never a key', () => {
    const schema = objectOf({ a: {} }, { required: ['id', 'a'], 'x-meetup': { key: ['id'] } });
    const { changes, text } = proposal(schema, [{ id: 1 }, { a: 1 }, { id: 2 }]);
    expect(changes).toEqual([{ what: 'make a optional in the record', concerns: 2, admits: 2 }]);
    expect(JSON.parse(text)).toMatchObject({ required: ['id'] });
  });

  it('reaches into lists and definitions, and shows what only appears once another fault is gone', () => {
    const schema = objectOf(
      { list: { type: 'array', items: { $ref: '#/$defs/deal' } } },
      {
        $defs: { deal: { type: 'object', properties: { kind: { enum: ['a'] }, n: { type: 'integer', maximum: 3 } } } },
      },
    );
    const { changes, admits } = proposal(schema, [{ id: 1, list: [{ kind: 'a' }, { kind: 'b', n: 5.5 }] }]);
    expect(changes.map(({ what }) => what)).toEqual([
      'allow "b" in /$defs/deal/properties/kind',
      'allow the type number in /$defs/deal/properties/n',
      'set maximum to 5.5 in /$defs/deal/properties/n',
    ]);
    expect(admits).toBe(1);
  });

  it('is left out if it concerns fewer records than asked for, or no simple change helps', () => {
    const schema = objectOf({ a: { enum: ['x'] }, b: { anyOf: [{ type: 'string' }, { const: 1 }] } });
    const records = [
      { id: 1, a: 'y' },
      { id: 2, a: 'y' },
      { id: 3, a: 'typo' },
      { id: 4, b: 2 },
      { id: 5, b: 2 },
    ];
    const { changes, admits, rejected } = proposal(schema, records, 2);
    expect(changes).toEqual([{ what: 'allow "y" in /properties/a', concerns: 2, admits: 2 }]);
    expect({ admits, rejected }).toEqual({ admits: 2, rejected: 5 });
  });

  it('says what helps if a number is too large to be stored exactly, because no change of the schema does', () => {
    const texts = [
      '{"id":9007199254740993}',
      '{"id":1,"list":[{"n":9007199254740993},{"n":9007199254740995}]}',
      '{"id":1e20}',
    ];
    const schema = objectOf({
      list: { type: 'array', items: { type: 'object', properties: { n: { type: 'number' } } } },
    });
    const records = texts.map((text) => ({ text, value: parsed(text) }));
    const { changes, admits, rejected, advice } = propose('things.schema.json', schemaText(schema), records, 1);
    expect({ changes, admits, rejected }).toEqual({ changes: [], admits: 0, rejected: 3 });
    const remedy =
      'no schema admits a number that loses digits: have it sent as text and give it the type string, or remove it from the schema, so that it is not stored.';
    expect(advice).toEqual([
      `1 record has a number in /id that is too large to be stored exactly: ${remedy}`,
      `1 record has a number in /list/*/n that is too large to be stored exactly: ${remedy}`,
      '1 record has a number in /id that is too large to be stored exactly: the type number instead of integer admits it.',
    ]);
  });

  it('keeps all other text of the file, and is shown as a diff', () => {
    const text =
      '{\n    "type": "object",\n    "properties": {\n        "id": { "type": "integer" },\n        "tier": { "enum": ["gold"] }\n    }\n}\n';
    const values = [{ tier: 'silver' }, { tier: 'silver' }].map((value) => ({ value, text: JSON.stringify(value) }));
    const { text: after, diff } = propose('things.schema.json', text, values, 2);
    expect(after).toBe(text.replace('["gold"]', '["gold", "silver"]'));
    expect(diff).toMatch(/^--- things\.schema\.json/);
    expect(diff.match(/^[-+] .*$/gm)).toEqual([
      '-        "tier": { "enum": ["gold"] }',
      '+        "tier": { "enum": ["gold", "silver"] }',
    ]);
  });
});

describe('meetup schema propose', () => {
  async function loaded(): Promise<Paths> {
    const paths = await temporaryPaths();
    const schemas = join(paths.data, 'schemas');
    await mkdir(schemas, { recursive: true });
    await writeFile(join(schemas, 'things.schema.json'), schemaText(objectOf({ tier: { enum: ['gold'] } })));
    await put(paths, 'things.json', [
      { id: 1, tier: 'silver' },
      { id: 2, tier: 'silver' },
      { id: 3, tier: 'gold' },
      { id: 'x' },
    ]);
    await load({ paths: { ...paths, schemas }, maxRejected: 1 }, quietEffects());
    return { ...paths, schemas };
  }

  it('changes nothing without --apply; with it, the next retry takes the records in', async () => {
    const paths = await loaded();
    const file = join(paths.schemas, 'things.schema.json');
    const before = await readFile(file, 'utf8');
    const { report } = await run({ paths, least: 2, applies: false }, quietEffects());
    expect(report).toMatchObject({
      status: 'proposed',
      proposals: [
        {
          entity: 'things',
          rejected: 3,
          admits: 2,
          changes: [{ what: 'allow "silver" in /properties/tier', admits: 2 }],
        },
      ],
    });
    expect(await readFile(file, 'utf8')).toBe(before);
    expect((await run({ paths, least: 2, applies: true }, quietEffects())).report.status).toBe('applied');
    await load({ paths, maxRejected: 1, retriesRejected: true }, quietEffects());
    expect(await rowsOf(paths, 'select id, tier from raw.things order by id')).toEqual([
      [1, 'silver'],
      [2, 'silver'],
      [3, 'gold'],
    ]);
    expect((await run({ paths, least: 2, applies: true }, quietEffects())).report).toMatchObject({ status: 'nothing' });
  });
});
