import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { publicMarts } from '../../src/compare/marts.ts';
import { temporaryFolder } from '../support/effects.ts';

const model = (name: string, access = 'public') => ({
  unique_id: `model.p.${name}`,
  resource_type: 'model',
  schema: 'marts',
  alias: name,
  access,
});

const test = (name: string, of: string, column: string | null, columns?: string[], where?: string) => ({
  unique_id: `test.p.${name}_${of}_${column}`,
  resource_type: 'test',
  schema: 'checks',
  alias: name,
  attached_node: `model.p.${of}`,
  column_name: column,
  config: { where: where ?? null },
  test_metadata: { name, kwargs: columns === undefined ? {} : { columns } },
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
  const file = join(await temporaryFolder(), 'manifest.json');
  await writeFile(file, JSON.stringify({ nodes: Object.fromEntries(nodes.map((node) => [node.unique_id, node])) }));
  expect(await publicMarts(file)).toEqual([
    { uniqueId: 'model.p.bridge', schema: 'marts', name: 'bridge', keys: ['a', 'b'] },
    { uniqueId: 'model.p.fct_things', schema: 'marts', name: 'fct_things', keys: ['thing_key'] },
    { uniqueId: 'model.p.half_unique', schema: 'marts', name: 'half_unique', keys: [] },
  ]);
});
