import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
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

  it('cannot change the type of a loaded column, and nothing is loaded', async () => {
    const paths = await withSchema('sponsors', sponsors);
    await put(paths, 'sponsors.json', [{ sponsor_id: 1, order: 'x' }]);
    await loadAll(paths);
    const properties = { ...sponsors.properties, budget: { type: 'number' }, order: { type: 'integer' } };
    await writeFile(join(paths.schemas, 'sponsors.schema.json'), JSON.stringify({ ...sponsors, properties }));
    await put(paths, 'sponsors.json', [{ sponsor_id: 2, order: 3 }]);
    await expect(loadAll(paths)).rejects.toThrow(
      /^sponsors\.schema\.json now makes order BIGINT, but raw\.sponsors holds it as VARCHAR: change the schema back/,
    );
    expect(await rowsOf(paths, 'select sponsor_id, "order" from raw.sponsors')).toEqual([[1, 'x']]);
    expect(await rowsOf(paths, "select 1 from duckdb_columns() where column_name = 'budget'")).toEqual([]);
  });

  it('is the only rule: a lower bound, an additional pattern or a new required key rejects records', async () => {
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

  it.each([
    ['sponsors', '{"type":', /sponsors.schema.json can't be used: .*JSON/],
    ['sponsors', { ...sponsors, 'x-mine': 1 }, /sponsors.schema.json can't be used: .*unknown keyword: "x-mine"/],
    ['sponsors', { ...sponsors, 'x-meetup': { keys: [] } }, /sponsors.schema.json can't be used: .*x-meetup/],
    ['batches', sponsors, /batches.schema.json can't be used: 'batches' is not a valid table name/],
    ['Users', sponsors, /Users.schema.json can't be used: 'Users' is not a valid table name/],
  ])('is rejected with one sentence if it is invalid, and nothing is loaded: %s', async (name, schema, sentence) => {
    const paths = await withSchema(name, schema);
    await put(paths, 'users.json', [{ user_id: 1 }]);
    await expect(loadAll(paths)).rejects.toThrow(sentence);
  });
});
