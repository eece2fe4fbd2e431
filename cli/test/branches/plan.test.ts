import { describe, expect, it } from 'vitest';
import { type BranchInputs, type BranchPlan, planBranch, toDo } from '../../src/branches/plan.ts';
import { planModels } from '../../src/deploy/plan/models.ts';
import { RECREATED } from '../../src/deploy/relations.ts';
import {
  AS_DEPLOYED,
  branchInputs,
  changedNodes,
  deployedWith,
  planNode as node,
  tableAt as table,
  planTest as test,
} from '../support/plan-nodes.ts';

const sources = [{ uniqueId: 'source.shop.raw.orders', schema: 'raw', name: 'orders' }];
const nodes = [
  node('stg_orders', 'view', ['source.shop.raw.orders'], { schema: 'staging' }),
  node('orders', 'incremental', ['model.shop.stg_orders']),
  node('customers', 'table', ['model.shop.stg_orders']),
  node('totals', 'incremental', ['model.shop.orders', 'model.shop.customers']),
  test('unique_orders', ['model.shop.orders']),
  test('unique_customers', ['model.shop.customers']),
];
const states = {
  'raw.orders': table(3),
  'marts.orders': table(5),
  'marts.customers': table(6),
  'marts.totals': table(7),
};
const { deployed, present } = deployedWith(nodes, states);

/** The plan of a branch in which these models changed. */
function planned(changed: readonly string[], more: Partial<BranchInputs> = {}): BranchPlan {
  const incremental = new Map([['model.shop.totals', { strategy: 'merge_changed', isProtected: false }]]);
  const now = { nodes: changedNodes(nodes, changed), sources, deployed, present };
  return planBranch({ ...branchInputs(now, states, incremental), ...more });
}

const places = ({ nodes: built }: BranchPlan) => built.map(({ place, begins }) => [place, begins]);

describe('a branch', () => {
  it('is empty if nothing changed', () => {
    expect(planned([])).toMatchObject({ nodes: [], pins: [], tests: [], schemas: [] });
  });

  it('has what changed and what is downstream, with the tests of both', () => {
    const plan = planned(['customers']);
    expect(places(plan)).toEqual([
      ['marts__branch_x.customers', 'scratch'],
      ['marts__branch_x.totals', 'clone'],
    ]);
    expect(plan.tests.map(({ uniqueId }) => uniqueId)).toEqual(['test.shop.unique_customers']);
    expect(plan.schemas).toEqual(['marts__branch_x']);
    expect(plan.testSchemas).toEqual(['audit__branch_x']);
  });

  it('builds a changed incremental model from scratch, and one downstream unless it computes all rows', () => {
    expect(places(planned(['orders', 'totals']))).toEqual([
      ['marts__branch_x.orders', 'scratch'],
      ['marts__branch_x.totals', 'scratch'],
    ]);
    expect(places(planned(['orders'], { incremental: new Map() }))).toEqual([
      ['marts__branch_x.orders', 'scratch'],
      ['marts__branch_x.totals', 'scratch'],
    ]);
  });

  it('reads a table that is newer than the deployment as of then, and rebuilds the views over it', () => {
    const drift = new Map([['raw.orders', 'version 4: WRITE']]);
    const plan = planned(['customers'], { drift, states: { ...states, 'raw.orders': table(4) } });
    expect(plan.pins).toMatchObject([{ place: 'raw__branch_x.orders', version: 3, isSource: true }]);
    expect(places(plan)).toEqual(
      [
        ['marts__branch_x.customers', 'scratch'],
        ['staging__branch_x.stg_orders', 'scratch'],
        ['marts__branch_x.totals', 'clone'],
      ].sort((a, b) => ((a[0]?.split('.')[1] ?? '') < (b[0]?.split('.')[1] ?? '') ? -1 : 1)),
    );
  });

  it('is refused if a table that it reads is another one by now, whose versions are not those of the deployment', () => {
    const drift = new Map([['raw.orders', RECREATED]]);
    const recreated = { drift, states: { ...states, 'raw.orders': table(5) } };
    expect(() => planned(['customers'], recreated)).toThrow(
      /^raw\.orders was dropped and recreated since the last deployment, so .*: deploy first\.$/,
    );
    expect(planned([], recreated).pins).toEqual([]);
  });

  it('continues a recreated table from its newest version', () => {
    const newer = (what: string) => planned(['customers'], { drift: new Map([['marts.totals', what]]) });
    const totals = ({ nodes: built }: BranchPlan) => built.find(({ name }) => name === 'totals');
    expect(totals(newer('version 8: WRITE'))).toMatchObject({ begins: 'clone', version: 7 });
    expect(totals(newer(RECREATED))).not.toHaveProperty('version');
  });

  it('leaves views alone that read nothing newer', () => {
    const drift = new Map([['marts.orders', 'version 6: MERGE']]);
    const plan = planned(['totals'], { drift, states: { ...states, 'marts.orders': table(6) } });
    expect(plan.pins).toMatchObject([{ place: 'marts__branch_x.orders', version: 5, isSource: false }]);
    expect(places(plan)).toEqual([['marts__branch_x.totals', 'scratch']]);
  });
});

describe('what there is to do', () => {
  const keysOf = ({ nodes: built, tests, pins }: BranchPlan): Record<string, string> =>
    Object.fromEntries(
      [...built, ...tests, ...pins].flatMap(({ uniqueId, key }) => (key === undefined ? [] : [[uniqueId, key]])),
    );

  it('is nothing for the same code and inputs', () => {
    const plan = planned(['customers']);
    expect(toDo(planned(['customers']), keysOf(plan))).toEqual({ nodes: [], pins: [], tests: [] });
  });

  it('is what other code or other inputs concern', () => {
    const keys = keysOf(planned(['customers']));
    expect(toDo(planned(['customers', 'totals']), keys).nodes.map(({ name }) => name)).toEqual(['totals']);
    const rows = { ...deployed, relations: { ...deployed.relations, 'marts.orders': table(9) } };
    const newer = planned(['customers'], { deployed: rows, states: { ...states, 'marts.orders': table(9) } });
    expect(toDo(newer, keys).nodes.map(({ name }) => name)).toEqual(['totals']);
  });

  it.each([
    ['is a view', { kind: 'view', definition: 'select * from elsewhere' }],
    ['has no versions', { kind: 'absent' }],
  ] as const)('is what reads a source of somebody else that %s, because its rows may have changed', (_what, state) => {
    const { 'raw.orders': _raw, ...relations } = deployed.relations;
    const plan = planned(['customers'], {
      deployed: { ...deployed, relations },
      states: { ...states, 'raw.orders': state },
    });
    expect(toDo(plan, keysOf(plan)).nodes.map(({ name }) => name)).toEqual(['customers', 'totals']);
  });

  it('is everything whose code cannot be compared', () => {
    const volatile = nodes.map((one) => (one.name === 'customers' ? { ...one, fingerprint: null } : one));
    const models = planModels({ ...AS_DEPLOYED, nodes: volatile, sources, deployed, present });
    const plan = planned([], { nodes: volatile, models });
    expect(toDo(plan, keysOf(plan)).nodes.map(({ name }) => name)).toEqual(['customers', 'totals']);
  });
});
