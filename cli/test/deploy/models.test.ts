import { describe, expect, it } from 'vitest';
import { NOTHING_DEPLOYED } from '../../src/deploy/ledger.ts';
import { type PlanInputs, type ProjectNode, planModels, readersOf } from '../../src/deploy/plan/models.ts';
import type { RelationState } from '../../src/deploy/relations.ts';
import { planNode as node } from '../support/plan-nodes.ts';

/** raw.events → stg (view) → log (incremental) → totals (table); raw.groups → names (table); kept (snapshot) of names. */
const NODES: readonly ProjectNode[] = [
  node('stg', 'view', ['source.shop.events']),
  node('log', 'incremental', ['model.shop.stg']),
  node('totals', 'table', ['model.shop.log']),
  node('names', 'table', ['source.shop.groups']),
  node('kept', 'snapshot', ['model.shop.names'], { resourceType: 'snapshot', schema: 'snapshots' }),
  node('unique_names', 'test', ['model.shop.names'], { resourceType: 'test', relation: null }),
];
const table = (version: number): RelationState => ({ kind: 'table', version, committedAt: '2026-11-28 10:00:00' });
const view: RelationState = { kind: 'view', definition: 'create or replace view …' };

/** Inputs of a plan right after everything was deployed. */
function upToDate(changes: Partial<PlanInputs> = {}): PlanInputs {
  const nodes = changes.nodes ?? NODES;
  return {
    nodes,
    sources: [
      { uniqueId: 'source.shop.events', schema: 'raw', name: 'events' },
      { uniqueId: 'source.shop.groups', schema: 'raw', name: 'groups' },
    ],
    deployed: {
      ...NOTHING_DEPLOYED,
      relations: {
        'marts.stg': view,
        'marts.log': table(4),
        'marts.totals': table(2),
        'marts.names': table(1),
        'snapshots.kept': table(3),
      },
      fingerprints: Object.fromEntries(NODES.map(({ uniqueId, fingerprint }) => [uniqueId, fingerprint ?? ''])),
    },
    present: new Map([
      ['marts.stg', 'view'],
      ['marts.log', 'table'],
      ['marts.totals', 'table'],
      ['marts.names', 'table'],
      ['snapshots.kept', 'table'],
    ]),
    drift: new Map(),
    newRows: new Set(),
    rewritten: new Map(),
    fullRefresh: false,
    ...changes,
  };
}

const changed = (name: string, more: Partial<ProjectNode> = {}): ProjectNode[] =>
  NODES.map((one) =>
    one.name === name ? { ...one, fingerprint: `${name} 2`, change: 'modified.body', ...more } : one,
  );

const actions = (inputs: PlanInputs): Record<string, string> =>
  Object.fromEntries(planModels(inputs).models.map(({ name, action }) => [name, action]));

it('what reads landed tables, directly or through others, is known', () => {
  const sources = ['events', 'groups'].map((name) => ({
    uniqueId: `source.shop.raw.${name}`,
    schema: 'raw',
    name,
    database: 'main',
  }));
  const nodes = [
    node('mart', 'table', ['model.shop.stage']),
    node('stage', 'view', ['source.shop.raw.events']),
    node('other', 'table', ['source.shop.raw.groups']),
  ];
  const readers = readersOf({ nodes, sources }, new Set(['raw.events']));
  expect([...readers].sort()).toEqual(['model.shop.mart', 'model.shop.stage', 'source.shop.raw.events']);
});

describe('the plan of a deployment', () => {
  it('keeps every relation and runs no test if nothing changed', () => {
    const plan = planModels(upToDate());
    expect(new Set(plan.models.map(({ action }) => action))).toEqual(new Set(['keep']));
    expect(plan.tests).toEqual([]);
  });

  it('builds everything if nothing was deployed', () => {
    const inputs = upToDate({ deployed: NOTHING_DEPLOYED, present: new Map() });
    expect(new Set(Object.values(actions(inputs)))).toEqual(new Set(['create']));
    expect(planModels(inputs).tests).toEqual(['test.shop.unique_names']);
  });

  it('replaces changed models and builds those downstream, incremental ones from scratch', () => {
    const inputs = upToDate({ nodes: changed('stg') });
    expect(actions(inputs)).toEqual({
      stg: 'replace',
      log: 'replace',
      totals: 'refresh',
      names: 'keep',
      kept: 'keep',
    });
    expect(planModels(inputs).fromScratch).toEqual(['model.shop.log']);
  });

  it('replaces what a run of dbt built with other code, with that reason', () => {
    const inputs = upToDate();
    const plan = planModels({ ...inputs, deployed: { ...inputs.deployed, otherCode: { 'marts.log': ['c0ffee'] } } });
    expect(plan.models.find(({ name }) => name === 'log')).toMatchObject({
      action: 'replace',
      reason: 'a run of dbt built it with commit c0ffee, which is not the deployed one',
    });
    expect(plan.models.find(({ name }) => name === 'names')?.action).toBe('keep');
  });

  it('continues what a run of dbt wrote that did not pass, and tests it again', () => {
    const inputs = upToDate();
    const plan = planModels({ ...inputs, deployed: { ...inputs.deployed, unpassed: { 'marts.names': 1 } } });
    expect(plan.models.find(({ name }) => name === 'names')).toMatchObject({
      action: 'refresh',
      reason: 'the last run of dbt that built it did not pass all tests',
    });
    expect(plan.tests).toEqual(['test.shop.unique_names']);
    expect(plan.models.find(({ name }) => name === 'log')?.action).toBe('keep');
  });

  it('adds new rows incrementally if possible, and leaves views alone', () => {
    const inputs = upToDate({ newRows: new Set(['raw.events']) });
    expect(actions(inputs)).toEqual({
      stg: 'keep',
      log: 'increment',
      totals: 'refresh',
      names: 'keep',
      kept: 'keep',
    });
    expect(planModels(inputs).fromScratch).toEqual([]);
    expect(planModels(inputs).shows).toEqual(['model.shop.stg']);
  });

  it('rebuilds what is downstream of a raw table whose types changed', () => {
    const inputs = upToDate({
      newRows: new Set(['raw.events']),
      rewritten: new Map([['raw.events', 'types of raw.events changed']]),
    });
    expect(actions(inputs)).toEqual({
      stg: 'refresh',
      log: 'replace',
      totals: 'refresh',
      names: 'keep',
      kept: 'keep',
    });
    expect(planModels(inputs).models.find(({ name }) => name === 'stg')?.reason).toBe('types of raw.events changed');
  });

  it('is the same if the deployed manifest is lost', () => {
    const nodes = NODES.map((one): ProjectNode => ({ ...one, change: 'new' }));
    expect(new Set(Object.values(actions(upToDate({ nodes }))))).toEqual(new Set(['keep']));
  });

  it('never rebuilds a snapshot', () => {
    const actionsOf = (nodes: readonly ProjectNode[]) => actions(upToDate({ nodes, fullRefresh: true })).kept;
    expect(actionsOf(NODES)).toBe('increment');
    expect(actionsOf(changed('kept'))).toBe('increment');
    const gone = NODES.filter(({ name }) => name !== 'kept');
    expect(actions(upToDate({ nodes: gone }))).not.toHaveProperty('kept');
  });

  it('rebuilds relations that somebody else changed or dropped, and names the deployed version', () => {
    const drift = new Map([['marts.names', 'version 2: DELETE']]);
    const changed = planModels(upToDate({ drift })).models.find(({ name }) => name === 'names');
    expect(changed).toMatchObject({ action: 'replace', reason: 'somebody changed it (version 2: DELETE)', version: 1 });
    const present = new Map([...upToDate().present].filter(([relation]) => relation !== 'marts.totals'));
    expect(actions(upToDate({ present }))).toMatchObject({ totals: 'create', log: 'keep' });
  });

  it('keeps relations that left the project for one deployment', () => {
    const nodes = NODES.filter(({ name }) => name !== 'totals');
    expect(actions(upToDate({ nodes }))).toMatchObject({ totals: 'retire' });
    const deployed = { ...upToDate().deployed, retired: ['marts.totals'] };
    expect(actions(upToDate({ nodes, deployed }))).toMatchObject({ totals: 'remove' });
  });

  it('renames a table that becomes a view, because dbt would drop it', () => {
    expect(planModels(upToDate({ nodes: changed('totals', { materialized: 'view' }) })).setAside).toEqual([
      'marts.totals',
    ]);
    expect(planModels(upToDate({ nodes: changed('stg', { materialized: 'table' }) })).setAside).toEqual([]);
  });

  it('runs the tests of relations that may have changed, and no others', () => {
    expect(planModels(upToDate({ nodes: changed('names') })).tests).toEqual(['test.shop.unique_names']);
    expect(planModels(upToDate({ nodes: changed('totals') })).tests).toEqual([]);
  });
});
