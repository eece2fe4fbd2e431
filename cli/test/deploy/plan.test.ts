import { describe, expect, it } from 'vitest';
import { resolvePaths } from '../../src/config/paths.ts';
import type { ModelPlan } from '../../src/deploy/plan/models.ts';
import { makePlan, type PlanInput } from '../../src/deploy/plan/plan.ts';
import { readRawTables } from '../../src/ingest/raw-tables.ts';
import { planNode } from '../support/plan-nodes.ts';

const model = (action: ModelPlan['action'], name = 't'): ModelPlan => ({
  uniqueId: `model.shop.${name}`,
  name,
  relation: `marts.${name}`,
  action,
  reason: 'a reason',
  version: 1,
});
const upload = { table: 'groups', file: '/a', name: 'groups-00.parquet', rows: 3, bytes: 100, sha256: '00' };
const NOTHING: PlanInput = {
  target: { name: 'prod', catalog: 'main', host: 'a.example.org' },
  base: 'one',
  present: new Map(),
  git: { commit: 'abc', dirty: false },
  held: [],
  batches: [],
  uploads: [],
  models: { models: [model('keep')], tests: [], fromScratch: [], shows: [], setAside: [] },
  nodes: [planNode('t', 'table', [])],
  drift: new Map(),
  replacesRaw: false,
  makesRaw: false,
  landing: undefined,
  columnChanges: [],
  targetOnly: [],
  reads: [],
  foreign: [],
  breaks: [],
  publishes: [],
  forgets: [],
  vacuums: false,
  rawTables: await readRawTables(resolvePaths({}, {}, process.cwd()).schemas),
};
const withModels = (change: Partial<PlanInput['models']>): Partial<PlanInput> => ({
  models: { ...NOTHING.models, ...change },
});

describe('the plan for a target on which files land', () => {
  it('makes the tables that are missing, and says where the files are', () => {
    const { rawTables } = NOTHING;
    const given = { ...NOTHING, rawTables: [], landing: { volume: 'arrived.drops', missing: rawTables.slice(0, 1) } };
    const plan = makePlan(given);
    expect(plan).toMatchObject({ landed: 'main.arrived.drops', empty: false, uploads: [] });
    expect(plan.statements.map((sql) => sql.slice(0, 40))).toEqual([
      'create schema if not exists `main`.`raw`',
      `create table if not exists \`main\`.\`raw\`.\`${rawTables[0]?.name}`.slice(0, 40),
    ]);
    expect(makePlan({ ...given, landing: { volume: 'arrived.drops', missing: [] } }).empty).toBe(true);
  });
});

describe('the hash of a plan', () => {
  it.each<[string, Partial<PlanInput>]>([
    ['the host', { target: { ...NOTHING.target, host: 'b.example.org' } }],
    ['the catalog', { target: { ...NOTHING.target, catalog: 'other' } }],
    ['the base deployment', { base: 'two' }],
    ['the commit', { git: { commit: 'def', dirty: false } }],
    ['a break of a public model', { breaks: [{ model: 't', what: 'removed', models: [], readers: [] }] }],
    ['something forgotten', { forgets: ['a'] }],
    ['uncommitted changes', { git: { commit: 'abc', dirty: true } }],
    ['the batches on the target', { held: [{ id: 'a', seq: 1, loaded: 1 }] }],
    ['the new batches', { batches: [{ id: 'a', seq: 1, loaded: 1 }] }],
    ['the uploaded rows', { uploads: [upload] }],
    ['the volume in which files land', { landing: { volume: 'arrived.drops', missing: [] } }],
    ['a missing table for landed files', { landing: { volume: 'arrived.drops', missing: NOTHING.rawTables } }],
    ['the action on a model', withModels({ models: [model('refresh')] })],
    ['the tests to run', withModels({ tests: ['test.p.a'] })],
    ['the models built from scratch', withModels({ fromScratch: ['model.shop.t'] })],
    ['the tables set aside', withModels({ setAside: ['marts.t'] })],
    ['the fingerprints of models', { nodes: [planNode('t', 'table', [], { fingerprint: 'two' })] }],
    ['drift', { drift: new Map([['marts.t', 'version 2: DELETE']]) }],
    ['relations of other projects', { foreign: [{ relation: 'marts.t', project: 'other' }] }],
    ['whether raw tables are emptied', { replacesRaw: true }],
    ['the new columns of raw tables', { columnChanges: [{ table: 'users', added: [], retyped: [] }] }],
    ['whether raw tables are created', { makesRaw: true }],
    [
      'what only the target builds',
      { targetOnly: [{ uniqueId: 'model.shop.t', name: 't', relation: 'marts.t', reason: 'a reason' }] },
    ],
  ])('covers %s', (_what, change) => {
    expect(makePlan({ ...NOTHING, ...change }).hash).not.toBe(makePlan(NOTHING).hash);
  });

  it('is equal for equal rows in different bytes', () => {
    const other = { ...upload, bytes: 101, name: 'groups-01.parquet', file: '/b', sha256: '01' };
    expect(makePlan({ ...NOTHING, uploads: [other] }).hash).toBe(makePlan({ ...NOTHING, uploads: [upload] }).hash);
  });
});

describe('a plan', () => {
  it('is empty if there is nothing to do', () => {
    expect(makePlan(NOTHING).empty).toBe(true);
    expect(makePlan({ ...NOTHING, ...withModels({ models: [model('remove')] }) }).empty).toBe(false);
  });

  it('lists the statements exactly as they are sent', () => {
    const models = { ...NOTHING.models, models: [model('remove', 'old`view')], setAside: ['marts.t'] };
    expect(makePlan({ ...NOTHING, models, present: new Map([['marts.old`view', 'view']]) }).statements).toEqual([
      'drop table if exists `main`.`marts`.`meetup_aside__t`',
      'alter table `main`.`marts`.`t` rename to `marts`.`meetup_aside__t`',
      'drop view if exists `main`.`marts`.`old``view`',
    ]);
  });
});
