import { describe, expect, it } from 'vitest';
import { planBranch } from '../../src/branches/plan.ts';
import { type BranchEntry, branchesIn } from '../../src/branches/records.ts';
import { type Taken, type TakenInputs, takenFrom } from '../../src/branches/taken.ts';
import type { ProjectNode } from '../../src/deploy/plan/models.ts';
import type { RelationStates } from '../../src/deploy/relations.ts';
import {
  branchInputs,
  changedNodes,
  deployedWith,
  planNode as node,
  tableAt as table,
  planTest as test,
} from '../support/plan-nodes.ts';

const sources = [
  { uniqueId: 'source.shop.raw.orders', schema: 'raw', name: 'orders', database: null },
  { uniqueId: 'source.shop.raw.visits', schema: 'raw', name: 'visits', database: null },
];
const nodes = [
  node('stg_orders', 'view', ['source.shop.raw.orders'], { schema: 'staging' }),
  node('orders', 'incremental', ['model.shop.stg_orders']),
  node('totals', 'table', ['model.shop.orders']),
  node('visits', 'table', ['source.shop.raw.visits']),
  test('unique_orders', ['model.shop.orders']),
  test('unique_totals', ['model.shop.totals']),
  test('unique_visits', ['model.shop.visits']),
];
const states: RelationStates = {
  'raw.orders': table(3),
  'raw.visits': table(4),
  'marts.orders': table(5),
  'marts.totals': table(6),
  'marts.visits': table(7),
};
const { deployed, present } = deployedWith(nodes, states);
const made: RelationStates = {
  'marts__branch_x.orders': table(0),
  'marts__branch_x.totals': table(0),
  'marts__branch_x.visits': table(0),
};

const changed = (...names: string[]): ProjectNode[] => changedNodes(nodes, names);

interface Case {
  readonly code?: readonly ProjectNode[];
  readonly newRows?: readonly string[];
  readonly states?: RelationStates;
  readonly failed?: readonly string[];
  readonly inputs?: RelationStates | undefined;
  readonly isOnlyBuilt?: TakenInputs['isOnlyBuilt'];
  readonly isProtected?: boolean;
}

const factsOf = (code: readonly ProjectNode[], newRows: readonly string[] = []) => {
  const incremental = new Map([['model.shop.orders', { strategy: 'append', isProtected: false }]]);
  const now = { nodes: code, sources, deployed, present, newRows: new Set(newRows) };
  const inputs = branchInputs(now, states, incremental);
  return { models: inputs.models, incremental, plan: planBranch(inputs) };
};

/** What a deployment takes from branch x, which was built from `branched`. */
function taken(branched: readonly ProjectNode[], more: Case = {}): Taken | undefined {
  const { code = branched, newRows = [], failed = [], isProtected = false } = more;
  const built = factsOf(branched).plan;
  const passed = [...built.nodes, ...built.tests].filter(({ uniqueId }) => !failed.includes(uniqueId));
  const entry = (event: BranchEntry['event'], details: BranchEntry['details']): BranchEntry => ({
    branch: 'x',
    event,
    at: '2026-11-30 10:00:00',
    who: 'somebody',
    commit: null,
    details,
  });
  const [record] = branchesIn([
    entry('begun', { relations: Object.fromEntries(built.nodes.map(({ uniqueId, place }) => [uniqueId, place])) }),
    entry('built', { keys: Object.fromEntries(passed.map(({ uniqueId, key }) => [uniqueId, key ?? ''])) }),
    entry('finished', { failed: [...failed], inputs: 'inputs' in more ? more.inputs : states, made }),
  ]);
  if (record === undefined) throw new Error('no branch');
  const { models, incremental, plan } = factsOf(code, newRows);
  return takenFrom({
    record,
    nodes: code,
    models,
    plan,
    moving: new Set(newRows.map((name) => `source.shop.${name}`)),
    incremental: isProtected ? new Map([['model.shop.orders', { strategy: 'append', isProtected }]]) : incremental,
    isOnlyBuilt: more.isOnlyBuilt ?? (() => false),
    states: { ...states, ...made, ...more.states },
  });
}

const names = (found: Taken | undefined): string[] =>
  [...(found?.tables.keys() ?? [])].map((id) => id.split('.')[2] ?? '');

describe('a deployment takes from a branch', () => {
  it('what was built from the same code and the same versions of every input, and the verdicts of its tests', () => {
    const found = taken(changed('stg_orders'));
    expect(names(found)).toEqual(['orders', 'totals']);
    expect(found?.tables.get('model.shop.orders')).toEqual({ place: 'marts__branch_x.orders', version: 0 });
    expect([...(found?.tests ?? [])]).toEqual(['test.shop.unique_orders', 'test.shop.unique_totals']);
  });

  it('nothing that was built from other code, and nothing downstream of it', () => {
    expect(names(taken(changed('stg_orders', 'visits'), { code: changed('stg_orders', 'totals', 'visits') }))).toEqual([
      'orders',
      'visits',
    ]);
    expect(taken(changed('stg_orders'), { code: changed('orders') })).toBeUndefined();
  });

  it.each([
    ['an input has changed since', { states: { 'raw.orders': table(4) } }],
    ['an input was dropped and recreated since', { states: { 'raw.orders': { ...table(3), committedAt: 'later' } } }],
    ['a table of the branch has changed since', { states: { 'marts__branch_x.totals': table(1) } }],
    ['the versions that it was built from are not known', { inputs: undefined }],
    ['some of its tests failed', { failed: ['test.shop.unique_totals'] }],
  ] as const)('nothing if %s', (_when, more) => {
    expect(taken(changed('stg_orders'), more)).toBeUndefined();
  });

  it('nothing that is downstream of new rows', () => {
    const code = changed('stg_orders', 'visits');
    expect(names(taken(code, { newRows: ['raw.orders'] }))).toEqual(['visits']);
    expect(names(taken(code, { newRows: ['raw.visits'] }))).toEqual(['orders', 'totals']);
  });

  it('no model whose rows may depend on where it is built, and none that is never built from scratch', () => {
    const code = changed('stg_orders');
    expect(names(taken(code, { isOnlyBuilt: (id) => id.endsWith('.totals') }))).toEqual(['orders']);
    expect(names(taken(code, { isProtected: true }))).toEqual(['totals']);
  });
});
