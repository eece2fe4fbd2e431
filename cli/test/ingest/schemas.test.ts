import { existsSync } from 'node:fs';
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MeetupError } from '../../src/config/errors.ts';
import type { Paths } from '../../src/config/paths.ts';
import { temporaryPaths } from '../support/effects.ts';
import { loadAll, put, rowsOf } from './support.ts';

/** A project with the schemas of this repository, plus this one. */
async function withSchema(name: string, schema: unknown): Promise<Paths> {
  const paths = await temporaryPaths();
  const schemas = join(paths.data, 'schemas');
  await cp(paths.schemas, schemas, { recursive: true });
  await writeFile(join(schemas, `${name}.schema.json`), typeof schema === 'string' ? schema : JSON.stringify(schema));
  return { ...paths, schemas };
}

const sponsors = {
  'x-meetup': { key: ['sponsor_id'], loadOrder: 5 },
  type: 'object',
  required: ['sponsor_id'],
  properties: {
    sponsor_id: { type: 'integer', minimum: 1 },
    order: { type: ['string', 'null'], 'x-meetup': { personal: false } },
    deals: {
      type: 'array',
      items: { type: 'object', required: ['group_id'], properties: { group_id: { type: 'integer' }, terms: {} } },
    },
  },
};

describe('a schema file', () => {
  it('is all that a new entity needs', async () => {
    const paths = await withSchema('sponsors', sponsors);
    await put(paths, 'sponsors.json', [
      { sponsor_id: 1, order: 'x', deals: [{ group_id: 7, terms: { months: [1, 2] } }] },
      { sponsor_id: 0 },
    ]);
    const { entities } = await loadAll(paths);
    expect(entities.sponsors).toEqual({ read: 2, loaded: 1, rejected: 1 });
    expect(
      await rowsOf(
        paths,
        'select sponsor_id, "order", deals[1].group_id, deals[1].terms.months[1]::int from raw.sponsors',
      ),
    ).toEqual([[1, 'x', 7, 2]]);
    expect(await rowsOf(paths, 'select entity, reasons from raw.rejected_records')).toEqual([
      ['sponsors', ['/sponsor_id must be >= 1']],
    ]);
  });

  it('adds a column to a loaded table for a new property', async () => {
    const paths = await withSchema('sponsors', sponsors);
    await put(paths, 'sponsors.json', [{ sponsor_id: 1 }]);
    await loadAll(paths);
    const properties = { ...sponsors.properties, budget: { type: 'number' } };
    await writeFile(join(paths.schemas, 'sponsors.schema.json'), JSON.stringify({ ...sponsors, properties }));
    await put(paths, 'sponsors.json', [{ sponsor_id: 2, budget: 2.5 }]);
    await loadAll(paths);
    expect(await rowsOf(paths, 'select sponsor_id, budget from raw.sponsors order by 1')).toEqual([
      [1, null],
      [2, 2.5],
    ]);
  });

  it('alone decides: a lower bound, an additional pattern or a new required key rejects records', async () => {
    const users = {
      type: 'object',
      required: ['user_id', 'city'],
      properties: {
        user_id: { type: 'integer', minimum: 1 },
        city: { type: 'string', pattern: '^[A-Z][a-z]+$' },
        country: { type: ['string', 'null'] },
        hometown: { type: ['string', 'null'] },
        memberships: {
          type: 'array',
          items: {
            type: 'object',
            properties: { joined: { type: 'integer', maximum: 1 }, group_id: { type: 'integer' } },
          },
        },
      },
    };
    const paths = await withSchema('users', users);
    await put(paths, 'users.json', [
      { user_id: 1, city: 'Delft' },
      { user_id: 2 },
      { user_id: 3, city: 'delft' },
      { user_id: 4, city: 'Delft', memberships: [{ joined: 2, group_id: 1 }] },
    ]);
    await loadAll(paths);
    expect(await rowsOf(paths, 'select reasons from raw.rejected_records order by _record_index')).toEqual([
      [["/ must have required property 'city'"]],
      [['/city must match pattern "^[A-Z][a-z]+$"']],
      [['/memberships/0/joined must be <= 1']],
    ]);
  });

  const broken = (property: object, more: object = {}): string =>
    JSON.stringify({ ...sponsors, properties: { ...sponsors.properties, ...property }, ...more }, null, 1);
  it.each<[schema: string, where: string, why: string | RegExp]>([
    ['{\n"type":', '"type"', /^it is not JSON \(.*JSON.*\)$/],
    ['{"type":\n"object",,}', '"object"', /^it is not JSON \(.*\)$/],
    ['[]', '[]', 'it is not a JSON object'],
    ['{"type": "object",\n"type": "array"}', '"array"', 'an object has "type" twice'],
    ['{"type": "array"}', '{', 'it does not describe an object with properties'],
    [broken({}, { 'x-mine': 1 }), '"x-mine"', 'unknown keyword: "x-mine"'],
    [broken({ a: { minLenght: 1 } }), '"minLenght"', 'unknown keyword: "minLenght"'],
    [broken({ a: { type: 'text' } }), '"text"', /^\/properties\/a\/type must be /],
    [broken({ a: { type: 'string', format: 'iban' } }), '"a"', /^unknown format "iban" /],
    [broken({ _batch_id: {} }), '_batch_id', "the property '_batch_id' has the name of a column that load adds"],
    [broken({ Deals: {} }), 'Deals', "its properties 'deals' and 'Deals' differ only in case"],
    [broken({ '': {} }), '""', 'a property has an empty name'],
    [broken({ 'a\u0000': {} }), 'u0000', 'the property "a\\u0000" can\'t be the name of a column'],
    [broken({}, { 'x-meetup': { keys: [] } }), 'x-meetup', /^keyword "x-meetup" value is invalid/],
    [broken({}, { 'x-meetup': { key: ['id'] } }), '"key"', "its key 'id' is not one of its properties"],
    [
      broken({}, { 'x-meetup': { key: ['order'] } }),
      '"key"',
      "its key 'order' is not required, so that a record may lack it",
    ],
    [broken({}, { 'x-meetup': { key: ['deals'] } }), '"key"', "its key 'deals' is not a single value"],
  ])(
    'is rejected with one sentence that names its line if it is invalid, and nothing is loaded: %#',
    async (schema, where, why) => {
      const paths = await withSchema('sponsors', schema);
      await put(paths, 'users.json', [{ user_id: 1 }]);
      const message = await loadAll(paths).then(
        () => '',
        (error: unknown) => (error instanceof MeetupError && error.exitCode === 2 ? error.message : String(error)),
      );
      const line = schema.slice(0, schema.indexOf(where)).split('\n').length;
      const start = `The JSON Schema ${join(paths.schemas, 'sponsors.schema.json')}:${line} can't be used: `;
      expect(message.slice(0, start.length)).toBe(start);
      const reason = message.slice(start.length).replace(/\.$/, '');
      if (typeof why === 'string') expect(reason).toBe(why);
      else expect(reason).toMatch(why);
      expect(existsSync(paths.workDatabase)).toBe(false);
    },
  );

  it.each(['batches', 'Users'])('cannot be named %s', async (name) => {
    const paths = await withSchema(name, sponsors);
    await put(paths, 'users.json', [{ user_id: 1 }]);
    await expect(loadAll(paths)).rejects.toThrow(
      `${name}.schema.json can't be used: '${name}' is not a valid table name`,
    );
  });

  it('may not have two data files in one folder, because their order is undefined', async () => {
    const paths = await temporaryPaths();
    await put(paths, 'users.json', [{ user_id: 1 }]);
    await put(paths, 'users.ndjson', '{"user_id": 2}');
    await expect(loadAll(paths)).rejects.toThrow(
      `${paths.data} has two files of users, users.json and users.ndjson: keep one, or put each into the folder of its day. Nothing was loaded.`,
    );
    expect(existsSync(paths.workDatabase)).toBe(false);
  });

  it('may have properties named like SQL keywords', async () => {
    const names = ['select', 'from', 'group', 'order', 'table', 'null', 'case', 'end', 'window', 'rowid'];
    const paths = await withSchema('words', {
      type: 'object',
      properties: Object.fromEntries(names.map((name) => [name, { type: 'integer' }])),
    });
    await put(paths, 'words.json', [Object.fromEntries(names.map((name, index) => [name, index]))]);
    await loadAll(paths);
    const list = names.map((name) => `"${name}"`).join(', ');
    expect(await rowsOf(paths, `select ${list} from raw.words`)).toEqual([names.map((_, index) => index)]);
  });

  it('ignores a key of a record that differs from the property only in case', async () => {
    const paths = await temporaryPaths();
    await put(paths, 'users.json', [
      { user_id: 1, city: 'Delft', City: 'Gouda' },
      { User_Id: 7, user_id: 2, CITY: 'Gouda' },
    ]);
    await loadAll(paths);
    expect(await rowsOf(paths, 'select user_id, city from raw.users order by 1')).toEqual([
      [1, 'Delft'],
      [2, null],
    ]);
  });
});
