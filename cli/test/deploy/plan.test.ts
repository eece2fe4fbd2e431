import { describe, expect, it } from 'vitest';
import { resolvePaths } from '../../src/config/paths.ts';
import type { ModelPlan, ProjectNode } from '../../src/deploy/plan/models.ts';
import { makePlan, type PlanInput } from '../../src/deploy/plan/plan.ts';
import { readRawTables } from '../../src/ingest/raw-tables.ts';

const model = (action: ModelPlan['action'], name = 't'): ModelPlan => ({
  uniqueId: `model.p.${name}`,
  name,
  relation: `marts.${name}`,
  action,
  reason: 'it is so',
  version: 1,
});
const node: ProjectNode = {
  uniqueId: 'model.p.t',
  name: 't',
  resourceType: 'model',
  schema: 'marts',
  relation: 't',
  materialized: 'table',
  access: 'public',
  dependsOn: [],
  fingerprint: 'one',
  change: null,
};
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
  nodes: [node],
  drift: new Map(),
  replacesRaw: false,
  makesRaw: false,
  rawTables: await readRawTables(resolvePaths({}, {}, process.cwd()).schemas),
};
const withModels = (change: Partial<PlanInput['models']>): Partial<PlanInput> => ({
  models: { ...NOTHING.models, ...change },
});

describe('the hash of a plan', () => {
  it.each<[string, Partial<PlanInput>]>([
    ['the host', { target: { ...NOTHING.target, host: 'b.example.org' } }],
    ['the catalog', { target: { ...NOTHING.target, catalog: 'other' } }],
    ['what it starts from', { base: 'two' }],
    ['the commit', { git: { commit: 'def', dirty: false } }],
    ['what is not committed', { git: { commit: 'abc', dirty: true } }],
    ['what it holds', { held: [{ id: 'a', seq: 1 }] }],
    ['the batches', { batches: [{ id: 'a', seq: 1 }] }],
    ['the rows', { uploads: [upload] }],
    ['what happens to a model', withModels({ models: [model('refresh')] })],
    ['which tests run', withModels({ tests: ['test.p.a'] })],
    ['what is built from scratch', withModels({ fromScratch: ['model.p.t'] })],
    ['what is set aside', withModels({ setAside: ['marts.t'] })],
    ['what the models say', { nodes: [{ ...node, fingerprint: 'two' }] }],
    ['what somebody else changed', { drift: new Map([['marts.t', 'version 2: DELETE']]) }],
    ['whether raw tables are emptied', { replacesRaw: true }],
    ['whether raw tables are made', { makesRaw: true }],
  ])('covers %s', (_what, change) => {
    expect(makePlan({ ...NOTHING, ...change }).hash).not.toBe(makePlan(NOTHING).hash);
  });

  it('is equal for equal rows in different bytes', () => {
    const other = { ...upload, bytes: 101, name: 'groups-01.parquet', file: '/b', sha256: '01' };
    expect(makePlan({ ...NOTHING, uploads: [other] }).hash).toBe(makePlan({ ...NOTHING, uploads: [upload] }).hash);
  });
});

describe('a plan', () => {
  it('is empty if nothing has to be done', () => {
    expect(makePlan(NOTHING).empty).toBe(true);
    expect(makePlan({ ...NOTHING, ...withModels({ models: [model('remove')] }) }).empty).toBe(false);
  });

  it('shows the statements as they are sent', () => {
    const models = { ...NOTHING.models, models: [model('remove', 'old`view')], setAside: ['marts.t'] };
    expect(makePlan({ ...NOTHING, models, present: new Map([['marts.old`view', 'view']]) }).statements).toEqual([
      'drop table if exists `main`.`marts`.`meetup_aside__t`',
      'alter table `main`.`marts`.`t` rename to `marts`.`meetup_aside__t`',
      'drop view if exists `main`.`marts`.`old``view`',
    ]);
  });
});
