import { describe, expect, it } from 'vitest';
import type { ColumnRead, LineageAnswer } from '../../src/engine/protocol.ts';
import { lineageGraph } from '../../src/lineage/graph.ts';
import { effectsOf, feedingOf, seesAny } from '../../src/lineage/walk.ts';

const reads = (...places: string[]): ColumnRead[] =>
  places.map((place) => {
    const [node = '', column = ''] = place.split('.');
    return { node, column };
  });

/** A model by its columns (what each reads) and what its rows depend on. */
function model(
  uniqueId: string,
  columns: Record<string, string[]>,
  rows: string[] = [],
): LineageAnswer['models'][number] {
  const above = [...Object.values(columns).flat(), ...rows].map((place) => place.split('.')[0] ?? '');
  return {
    uniqueId,
    name: uniqueId,
    resourceType: 'model',
    file: `${uniqueId}.sql`,
    schema: 'marts',
    access: 'public',
    dependsOn: [...new Set(above)],
    columns: Object.entries(columns).map(([name, from]) => ({ name, type: null, reads: reads(...from), digest: 'd' })),
    rows: { reads: reads(...rows), digest: 'd' },
  };
}

// Listed against the order of dependencies.
const graph = lineageGraph({
  status: 'pass',
  problems: [],
  ms: {},
  models: [
    model('mart', { id: ['mid.id'], total: ['mid.amount'] }),
    model('counted', { n: [] }, ['mid.is_held']),
    model('mid', { id: ['raw.id'], amount: ['raw.cents'], is_held: ['raw.status'] }, ['raw.deleted']),
  ],
  inputs: [
    {
      uniqueId: 'raw',
      name: 'shop.raw',
      resourceType: 'source',
      file: 's.yml',
      columns: ['id', 'cents', 'status', 'deleted'],
    },
  ],
  readers: [],
  queries: [],
});

const effects = (node: string, columns: string[], rows = false) =>
  effectsOf(graph, [{ node, columns, rows }]).map((effect) => [effect.model.name, effect.rows, ...effect.columns]);

describe('what feeds a column', () => {
  it('is what its value is made of, step by step, and apart from it what chooses the rows', () => {
    expect(feedingOf(graph, [{ node: 'mart', column: 'total' }])).toEqual({
      values: [
        { node: 'mid', column: 'amount', depth: 1 },
        { node: 'raw', column: 'cents', depth: 2 },
      ],
      rows: [{ node: 'raw', column: 'deleted' }],
    });
  });
});

describe('what a change reaches', () => {
  it('is only the columns that are made of the changed one', () => {
    expect(effects('raw', ['cents'])).toEqual([
      ['mid', false, 'amount'],
      ['mart', false, 'total'],
    ]);
  });

  it('is every column of a model that chooses its rows by the changed one', () => {
    expect(effects('raw', ['status'])).toEqual([
      ['mid', false, 'is_held'],
      ['counted', true, 'n'],
    ]);
  });

  it('is everything below a model whose rows change', () => {
    expect(effects('raw', ['deleted'])).toEqual([
      ['mid', true, 'id', 'amount', 'is_held'],
      ['mart', true, 'id', 'total'],
      ['counted', true, 'n'],
    ]);
    expect(effects('mid', [], true)).toEqual([
      ['mart', true, 'id', 'total'],
      ['counted', true, 'n'],
    ]);
  });

  it('is nothing if no model reads the column', () => {
    expect(effects('mart', ['total'])).toEqual([]);
  });

  it('is seen by those who read an affected column, or a model whose rows are affected', () => {
    const changes = [{ node: 'raw', columns: ['status'], rows: false }];
    const reached = effectsOf(graph, changes);
    const sees = seesAny(changes, reached, graph);
    expect(sees({ nodes: ['mid'], reads: reads('mid.is_held') })).toBe(true);
    expect(sees({ nodes: ['mid'], reads: reads('mid.amount') })).toBe(false);
    expect(sees({ nodes: ['counted'], reads: [] })).toBe(true);
    expect(sees({ nodes: ['mid'] })).toBe(true);
    expect(sees({ nodes: ['mart'] })).toBe(false);
  });
});
