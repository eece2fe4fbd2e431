import { describe, expect, it } from 'vitest';
import { type Deployed, NOTHING_DEPLOYED } from '../../src/deploy/ledger.ts';
import { foreignIn, ownersAfter, refuseForeign, seenBy } from '../../src/deploy/owners.ts';
import { planModels } from '../../src/deploy/plan/models.ts';
import type { RelationState } from '../../src/deploy/relations.ts';
import { planNode } from '../support/plan-nodes.ts';

const table: RelationState = { kind: 'table', version: 1, committedAt: '2026-11-28 10:00:00' };
/** What the project `sales` deployed. */
const SALES: Deployed = {
  relations: { 'marts.orders': table, 'marts.customers': table },
  project: 'sales',
  owners: { 'marts.orders': 'sales', 'marts.customers': 'sales' },
  fingerprints: { 'model.sales.orders': '1' },
  retired: ['marts.customers'],
  manifest: '/Volumes/one/manifest.json.gz',
};

/** The actions of a project with one new model. */
function actions(deployed: Deployed, relation = 'visits'): Record<string, string> {
  const { models } = planModels({
    nodes: [planNode(relation, 'table', [], { uniqueId: `model.web.${relation}`, fingerprint: '1', change: 'new' })],
    sources: [],
    deployed,
    present: new Map([
      ['marts.orders', 'table'],
      ['marts.customers', 'table'],
    ]),
    drift: new Map(),
    newRows: new Set(),
    rewritten: new Map(),
    fullRefresh: false,
  });
  return Object.fromEntries(models.map((model) => [model.relation, model.action]));
}

describe('two projects in one catalog', () => {
  it('leave the relations of the other alone', () => {
    expect(actions(seenBy(SALES, 'web'))).toEqual({ 'marts.visits': 'create' });
  });

  it('each keep their own fingerprints, manifest and retired relations', () => {
    const web = seenBy(SALES, 'web');
    expect(web).toMatchObject({ fingerprints: {}, retired: [], manifest: null });
    const deployed = { ...web, fingerprints: { 'model.web.visits': '1' }, retired: ['marts.old'], manifest: '/two' };
    expect(seenBy(deployed, 'sales')).toMatchObject({ ...SALES, owners: SALES.owners });
    expect(seenBy(seenBy(deployed, 'sales'), 'web')).toEqual({ ...deployed, others: expect.anything() });
  });

  it('are refused what the other made, unless forced', () => {
    const web = seenBy(SALES, 'web');
    const foreign = foreignIn(web, ['marts.orders', 'marts.visits']);
    expect(foreign).toEqual([{ relation: 'marts.orders', project: 'sales' }]);
    expect(() => refuseForeign('prod', foreign, false)).toThrow(
      'Another project deployed to prod what this one would replace: marts.orders (of sales). Give them another name or schema, deploy to another catalog, or take them over with --force, for example after the project was renamed.',
    );
    expect(() => refuseForeign('prod', foreign, true)).not.toThrow();
    expect(actions(web, 'orders')).toEqual({ 'marts.orders': 'replace' });
  });

  it('own what they build, and what they take over', () => {
    expect(ownersAfter(seenBy(SALES, 'web'), ['marts.visits', 'marts.orders'])).toEqual({
      'marts.orders': 'web',
      'marts.customers': 'sales',
      'marts.visits': 'web',
    });
  });

  it('are told apart by their nodes in entries of older versions, which name no project', () => {
    const { project: _, owners: __, ...old } = SALES;
    const sales = seenBy(old, 'sales');
    expect(sales).toEqual({ ...old, project: 'sales' });
    expect(foreignIn(sales, ['marts.orders'])).toEqual([]);
    expect(actions(sales)).toEqual({ 'marts.visits': 'create', 'marts.orders': 'retire', 'marts.customers': 'remove' });
    expect(actions(seenBy(old, 'web'))).toEqual({ 'marts.visits': 'create' });
    expect(foreignIn(seenBy(old, 'web'), ['marts.orders'])).toEqual([{ relation: 'marts.orders', project: 'sales' }]);
    expect(seenBy(NOTHING_DEPLOYED, 'web').others).toBeUndefined();
  });
});
