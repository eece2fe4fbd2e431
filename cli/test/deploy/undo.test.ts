import { describe, expect, it } from 'vitest';
import { type Deployed, type Entry, type EntryDetails, NOTHING_DEPLOYED } from '../../src/deploy/ledger.ts';
import { driftOf, type RelationState, stateOf } from '../../src/deploy/relations.ts';
import { goBackTo, undoBegun, wayBack } from '../../src/deploy/undo.ts';
import { entryOf, type FakeTarget, fakeTarget } from './fake-target.ts';

const table = (version: number): RelationState => ({ kind: 'table', version, committedAt: `time ${version}` });
const identity = { deployment: 'two', commit: null, planHash: '', versions: {} };
const DEPLOYED = { ...NOTHING_DEPLOYED, relations: { 'marts.t': table(0), 'marts.u': table(0) } };
const begun = (details: EntryDetails): Entry[] => [
  entryOf('finished', 'one', { deployed: DEPLOYED }),
  entryOf('begun', 'two', details),
];

/** The drift that the next deployment would report. */
async function driftNow({ remote, written }: FakeTarget, relation: string): Promise<string | undefined> {
  const states = written.at(-1)?.deployed?.relations ?? {};
  return driftOf(remote, relation, 'table', stateOf(states, relation));
}

describe('undoing', () => {
  it('restores tables that were written, and fences off the others with a commit', async () => {
    const target = fakeTarget({ 'marts.t': ['WRITE', 'MERGE'], 'marts.u': ['WRITE'] });
    const before = { 'marts.t': table(0), 'marts.u': table(0) };
    const undone = await undoBegun(target.remote, identity, begun({ before }), 'a test failed');
    expect(undone).toMatchObject({ restored: ['marts.t'], failed: [] });
    expect(Object.fromEntries(target.tables)).toEqual({
      'marts.t': ['WRITE', 'MERGE', 'RESTORE', 'SET TBLPROPERTIES'],
      'marts.u': ['WRITE', 'SET TBLPROPERTIES'],
    });
    expect(await driftNow(target, 'marts.t')).toBeUndefined();
  });

  it('retries a restore that conflicts with a statement still running', async () => {
    let refusals = 1;
    const target = fakeTarget({ 'marts.t': ['WRITE', 'MERGE'] }, (sql) =>
      sql.startsWith('restore') && refusals-- > 0 ? 'a concurrent commit' : undefined,
    );
    const undone = await undoBegun(target.remote, identity, begun({ before: { 'marts.t': table(0) } }), 'killed');
    expect(undone).toMatchObject({ restored: ['marts.t'], failed: [] });
  });

  it.each([
    ['restored', ['WRITE', 'MERGE']],
    ['unchanged', ['WRITE']],
  ])('also reverts a late write, by a statement still running, to a table that was %s', async (_what, operations) => {
    let late = 1;
    const target = fakeTarget({ 'marts.t': operations }, (sql) => {
      if (sql.startsWith('alter') && late-- > 0) target.tables.get('marts.t')?.push('LATE WRITE');
      return undefined;
    });
    await undoBegun(target.remote, identity, begun({ before: { 'marts.t': table(0) } }), 'killed');
    expect(target.tables.get('marts.t')?.slice(-3)).toEqual(['LATE WRITE', 'SET TBLPROPERTIES', 'RESTORE']);
    expect(await driftNow(target, 'marts.t')).toBeUndefined();
  });

  it('reports relations that could not be restored, also to the next deployment', async () => {
    const target = fakeTarget({ 'marts.t': ['WRITE', 'MERGE'] }, (sql) =>
      sql.startsWith('restore') ? 'files are gone' : undefined,
    );
    const undone = await undoBegun(target.remote, identity, begun({ before: { 'marts.t': table(0) } }), 'killed');
    expect(undone.failed).toEqual([{ relation: 'marts.t', reason: 'files are gone' }]);
    expect(await driftNow(target, 'marts.t')).toContain('version 1: MERGE');
  });

  it('does not revert changes that somebody else made before the deployment', async () => {
    const target = fakeTarget({ 'marts.t': ['WRITE', 'DELETE', 'WRITE'] });
    const details = { before: { 'marts.t': table(1) }, drifted: ['marts.t'] };
    await undoBegun(target.remote, identity, begun(details), 'a test failed');
    expect(target.tables.get('marts.t')).toEqual(['WRITE', 'DELETE', 'WRITE', 'RESTORE', 'SET TBLPROPERTIES']);
    expect(await driftNow(target, 'marts.t')).toContain('RESTORE');
  });
});

/** Rolls back to `goal`. */
const rolledBack = async ({ remote }: FakeTarget, goal: Deployed, from: Entry[] = begun({})) =>
  goBackTo(remote, identity, await wayBack(remote, from, goal), goal, 'one');

describe('rolling back', () => {
  it('ignores relations that had left the project at that time and have been dropped since', async () => {
    const goal = { ...DEPLOYED, retired: ['marts.t'] };
    const target = fakeTarget({ 'marts.u': ['WRITE'] });
    expect(await rolledBack(target, goal)).toEqual({ restored: [], failed: [] });
    expect(await rolledBack(target, DEPLOYED)).toMatchObject({
      failed: [{ relation: 'marts.t', reason: expect.stringContaining('marts.t was dropped') }],
    });
  });

  it('leaves relations that could not be restored as drift for the next deployment', async () => {
    const target = fakeTarget({ 'marts.t': ['WRITE', 'MERGE'], 'marts.u': ['WRITE'] }, (sql) =>
      sql.startsWith('restore') ? 'files are gone' : undefined,
    );
    const { failed } = await rolledBack(target, DEPLOYED);
    expect(failed).toEqual([{ relation: 'marts.t', reason: 'files are gone' }]);
    expect(await driftNow(target, 'marts.t')).toContain('version 1: MERGE');
    expect(await driftNow(target, 'marts.u')).toBeUndefined();
  });

  it('keeps a table that did not exist at that time, so that the rollback can be reverted', async () => {
    const target = fakeTarget({ 'marts.t': ['WRITE'], 'marts.u': ['WRITE'] });
    const goal = { ...DEPLOYED, relations: { 'marts.u': table(0) } };
    expect(await rolledBack(target, goal)).toEqual({ restored: ['marts.t'], failed: [] });
    expect([...target.tables.keys()].sort()).toEqual(['marts.meetup_aside__t', 'marts.u']);
    const back = entryOf('rolled back', 'r', { to: 'zero', deployed: goal });
    expect(await rolledBack(target, DEPLOYED, [back])).toEqual({ restored: ['marts.t'], failed: [] });
    expect([...target.tables.keys()].sort()).toEqual(['marts.t', 'marts.u']);
  });
});
