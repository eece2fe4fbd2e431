import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type MartSpec, publicMarts } from '../../src/compare/marts.ts';
import { readSettings } from '../../src/config/project/read-settings.ts';
import { temporaryFolder } from '../support/effects.ts';

const model = (name: string, access = 'public', { schema = 'marts', materialized = 'table', from = 'p' } = {}) => ({
  unique_id: `model.p.${name}`,
  resource_type: 'model',
  package_name: from,
  schema,
  alias: name,
  access,
  config: { materialized },
});

async function martsOf(nodes: readonly { unique_id: string }[], meetupYml = ''): Promise<MartSpec[]> {
  const root = await temporaryFolder();
  await mkdir(root, { recursive: true });
  await writeFile(join(root, 'meetup.yml'), meetupYml);
  const manifest = {
    metadata: { project_name: 'p' },
    nodes: Object.fromEntries(nodes.map((node) => [node.unique_id, node])),
  };
  await writeFile(join(root, 'manifest.json'), JSON.stringify(manifest));
  return publicMarts(join(root, 'manifest.json'), { root, settings: readSettings(root) });
}

const test = (name: string, of: string, column: string | null, columns?: string[], where?: string) => ({
  unique_id: `test.p.${name}_${of}_${column}`,
  resource_type: 'test',
  schema: 'checks',
  alias: name,
  attached_node: `model.p.${of}`,
  column_name: column,
  config: { where: where ?? null },
  test_metadata: { name, kwargs: (columns === undefined ? {} : { columns }) as Record<string, string[]> },
});

it('the marts to compare are the public models, with keys from their uniqueness tests', async () => {
  const nodes = [
    model('fct_things'),
    model('bridge'),
    model('half_unique'),
    model('int_things', 'protected'),
    test('not_null', 'fct_things', 'other'),
    test('unique_combination', 'fct_things', null, ['a', 'b']),
    test('unique', 'fct_things', 'thing_key'),
    test('unique_combination', 'bridge', null, ['a', 'b']),
    test('unique', 'half_unique', 'a', undefined, 'a > 5'),
    test('unique', 'int_things', 'x'),
  ];
  expect(await martsOf(nodes)).toEqual([
    { uniqueId: 'model.p.bridge', schema: 'marts', name: 'bridge', keys: ['a', 'b'], hasContract: false },
    { uniqueId: 'model.p.fct_things', schema: 'marts', name: 'fct_things', keys: ['thing_key'], hasContract: false },
    { uniqueId: 'model.p.half_unique', schema: 'marts', name: 'half_unique', keys: [], hasContract: false },
  ]);
});

it("keys are also read from dbt_utils' uniqueness tests", async () => {
  const both = { ...test('unique_combination_of_columns', 'bridge', null) };
  both.test_metadata.kwargs = { combination_of_columns: ['a', 'b'] };
  expect(await martsOf([model('bridge'), both])).toMatchObject([{ name: 'bridge', keys: ['a', 'b'] }]);
});

it("the marts to compare are all of the project's own tables if dbt has no public models", async () => {
  const nodes = [
    model('orders', 'protected', { schema: 'shop' }),
    model('stg_orders', 'protected', { schema: 'shop', materialized: 'view' }),
    model('inlined', 'protected', { materialized: 'ephemeral' }),
    model('calendar', 'protected', { from: 'vendor' }),
  ];
  expect(await martsOf(nodes)).toEqual([
    { uniqueId: 'model.p.orders', schema: 'shop', name: 'orders', keys: [], hasContract: false },
  ]);
});

it('the marts to compare are the models in the public schemas of meetup.yml, if it names any', async () => {
  const nodes = [model('orders', 'protected', { schema: 'shop' }), model('hidden', 'public', { schema: 'lab' })];
  expect(await martsOf(nodes, 'public: [shop]\n')).toMatchObject([{ name: 'orders' }]);
});

it('a public schema without models is an error with the line in meetup.yml', async () => {
  const result = martsOf([model('orders')], 'data: json\npublic:\n  - marts\n  - mart\n');
  await expect(result).rejects.toThrow(/meetup\.yml:4: public names the schema mart, but no model is built into it\./);
});

it('a model that only Databricks runs is no mart to compare, nor is one that reads it', async () => {
  const lake = { ...model('lake'), config: { materialized: 'table', meta: { engine: 'databricks' } } };
  const below = { ...model('below'), depends_on: { nodes: ['model.p.lake'] } };
  expect(await martsOf([below, lake, model('orders')])).toMatchObject([{ name: 'orders' }]);
});

it('the key of a model without a test for it is the primary key of its contract, on the model or on a column', async () => {
  const contracted = (name: string, more: object, enforced = true) => ({
    ...model(name),
    config: { materialized: 'table', contract: { enforced } },
    ...more,
  });
  const ofModel = { constraints: [{ type: 'not_null' }, { type: 'primary_key', columns: ['a', 'b'] }] };
  const ofColumn = { columns: { a: { name: 'a' }, b: { name: 'b', constraints: [{ type: 'primary_key' }] } } };
  const nodes = [
    contracted('on_column', ofColumn),
    contracted('on_model', ofModel),
    contracted('tested', ofModel),
    contracted('without_contract', ofColumn, false),
    test('unique', 'tested', 'c'),
  ];
  const keys = (await martsOf(nodes)).map(({ name, keys: found }) => [name, found]);
  expect(Object.fromEntries(keys)).toEqual({
    on_column: ['b'],
    on_model: ['a', 'b'],
    tested: ['c'],
    without_contract: [],
  });
});
