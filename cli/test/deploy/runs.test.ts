import { describe, expect, it } from 'vitest';
import { noteDeadRuns } from '../../src/deploy/dead-runs.ts';
import { type Entry, type EntryDetails, interrupted, NOTHING_DEPLOYED } from '../../src/deploy/ledger.ts';
import { driftOf, type RelationState } from '../../src/deploy/relations.ts';
import { rollbackGoal } from '../../src/deploy/rollback.ts';
import { commitsOf, openRuns, runsIn, withRuns } from '../../src/deploy/runs.ts';
import { stateAfter } from '../../src/deploy/states.ts';
import { quietEffects } from '../support/effects.ts';
import { entryOf, fakeTarget, remoteAnswering } from './fake-target.ts';

const CODE = 'c0ffee';
const table = (version: number): RelationState => ({
  kind: 'table',
  version,
  committedAt: `2026-11-2${version} 06:00:00`,
});
const deployed = (version: number) => ({
  deployed: { ...NOTHING_DEPLOYED, commit: CODE, relations: { 'marts.t': table(version) } },
});

/** A ledger whose entries are an hour apart, from midnight on. */
const ledger = (...lines: [Entry['event'], string, EntryDetails?, Partial<Entry>?][]): Entry[] =>
  lines.map(([event, id, details = {}, more = {}], at) => ({
    ...entryOf(event, id, details, at + 1),
    at: `2026-11-28 0${at}:00:00.5`,
    commit: CODE,
    ...more,
  }));

const RUN = { selected: ['marts.t'], run: { job: '77' } };
const HISTORY = ledger(
  ['begun', 'one'],
  ['finished', 'one', deployed(1)],
  ['run begun', 'r1', RUN],
  ['run finished', 'r1', { wrote: { 'marts.t': table(2) } }],
  ['run begun', 'r2', RUN],
);

describe('the runs in a ledger', () => {
  it('are those that ended, and those that have not', () => {
    expect(runsIn(HISTORY)).toMatchObject([
      { id: 'r1', job: '77', outcome: 'finished', relations: ['marts.t'] },
      { id: 'r2', outcome: undefined },
    ]);
    expect(openRuns(HISTORY).map(({ id }) => id)).toEqual(['r2']);
    expect(openRuns([...HISTORY, ...ledger(['run died', 'r2'])])).toEqual([]);
  });

  it('are no interrupted deployments, and hide none', () => {
    expect(interrupted(HISTORY)).toBeUndefined();
    expect(interrupted([...HISTORY, ...ledger(['begun', 'two'], ['run died', 'r2'])])?.deployment).toBe('two');
  });
});

describe('a run that died', () => {
  it('is named once, and recorded without what it wrote, which no rollback brings back', async () => {
    const target = fakeTarget({ 'marts.t': ['WRITE', 'MERGE'] });
    const effects = quietEffects();
    await noteDeadRuns({ remote: target.remote, effects }, HISTORY);
    expect(effects.warnings).toEqual([
      'Run r2 of job 77 (begun by somebody) died: it began at 2026-11-28 04:00:00.5 UTC and never ended. What it wrote stays until the next run or deployment builds it again.',
    ]);
    expect(target.written).toEqual([{ run: { job: '77' } }]);
    expect(stateAfter([...HISTORY, ...ledger(['run died', 'r2'])]).relations).toEqual({ 'marts.t': table(2) });
  });
});

describe('a commit', () => {
  const isOurs = commitsOf(runsIn(HISTORY));
  const at = (timestamp: string, userName?: string) => isOurs({ version: 2, operation: 'MERGE', timestamp, userName });

  it("is a run's if it was made while that run lasted, by the same user", () => {
    expect(at('2026-11-28 02:30:00')).toBe(true);
    expect(at('2026-11-28 02:30:00', 'somebody')).toBe(true);
    expect(at('2026-11-28 02:30:00', 'a stranger')).toBe(false);
    expect(at('2026-11-28 03:30:00', 'somebody')).toBe(false);
  });

  it("is a run's that has not ended only as long as its lease holds", () => {
    expect(at('2026-11-28 05:59:00')).toBe(true);
    expect(at('2026-11-28 06:01:00')).toBe(false);
  });

  it("is a run's that took longer than its lease, if that run kept it to its own end", () => {
    const late = (event: Entry['event']) => {
      const entries = ledger(['run begun', 'r3', RUN], [event, 'r3', {}, { at: '2026-11-28 03:00:00' }]);
      return commitsOf(runsIn(entries));
    };
    const commit = { version: 2, operation: 'MERGE', timestamp: '2026-11-28 02:30:00' };
    expect(late('run finished')(commit)).toBe(true);
    expect(late('run failed')(commit)).toBe(true);
    expect(late('run died')(commit)).toBe(false);
  });
});

describe('drift', () => {
  /** A target that has one table with these commits, newest last. */
  const remote = (...commits: [operation: string, timestamp: string][]) => {
    const all = commits.map(([operation, timestamp], version) => ({ version, operation, timestamp })).reverse();
    return remoteAnswering(async (sql) => all.slice(0, Number(/limit (\d+)/.exec(sql)?.[1])));
  };
  const isOurs = commitsOf(runsIn(HISTORY));
  const created: [string, string] = ['CREATE TABLE AS SELECT', '2026-11-28 01:00:00'];
  const known = { kind: 'table', version: 0, committedAt: created[1] } as const;

  it('is what a stranger wrote, not what runs wrote, also if a run wrote after the stranger', async () => {
    const merged: [string, string] = ['MERGE', '2026-11-28 02:10:00'];
    const stranger: [string, string] = ['DELETE', '2026-11-28 03:40:00'];
    const again: [string, string] = ['MERGE', '2026-11-28 04:10:00'];
    const of = (...commits: [string, string][]) => driftOf(remote(...commits), 'marts.t', 'table', known, isOurs);
    expect(await of(created, merged, again)).toBeUndefined();
    expect(await of(created, merged, stranger, again)).toMatch(/^version 2: DELETE/);
  });

  it('is no table that a run created, or created again', async () => {
    const byRun = remote(['CREATE TABLE AS SELECT', '2026-11-28 02:10:00']);
    expect(await driftOf(byRun, 'marts.t', 'table', { kind: 'absent' }, isOurs)).toBeUndefined();
    expect(await driftOf(byRun, 'marts.t', 'table', known, isOurs)).toBeUndefined();
    expect(await driftOf(byRun, 'marts.t', 'table', known)).toBe('it was dropped and recreated');
  });
});

describe('what runs built from other code', () => {
  it('has all the commits of runs, because a later run adds to what an earlier one built', () => {
    const others = ['beef', 'cafe', 'beef'].flatMap((sha, i) =>
      ledger(['run begun', `r${i}`, RUN, { commit: sha }], ['run finished', `r${i}`]),
    );
    expect(withRuns({ ...NOTHING_DEPLOYED, commit: CODE }, others).otherCode).toEqual({ 'marts.t': ['beef', 'cafe'] });
  });

  it('is known by the commit, until a deployment says otherwise', () => {
    const other = ledger(['run begun', 'r3', RUN, { commit: 'beef' }], ['run failed', 'r3']);
    const state = { ...NOTHING_DEPLOYED, commit: CODE };
    expect(withRuns(state, HISTORY).otherCode).toBeUndefined();
    expect(withRuns(state, [...HISTORY, ...other]).otherCode).toEqual({ 'marts.t': ['beef'] });
    expect(withRuns({ ...state, commit: null }, HISTORY).otherCode).toEqual({ 'marts.t': [CODE] });
    expect(withRuns(state, [...other, ...ledger(['finished', 'two', deployed(3)])]).otherCode).toBeUndefined();
  });
});

describe('what a run wrote that did not pass', () => {
  const state = { ...NOTHING_DEPLOYED, commit: CODE };

  it('counts as such until a later build passes', () => {
    const failed = ledger(['run begun', 'r3', { ...RUN, before: { 'marts.t': table(2) } }], ['run failed', 'r3']);
    const built = ledger(['run begun', 'r4', RUN], ['run finished', 'r4', { passed: true }]);
    const again = { ...RUN, before: { 'marts.t': table(3) } };
    const untested = ledger(['run begun', 'r4', again], ['run finished', 'r4', { passed: false }]);
    const seen = { 'marts.t': 2 };
    expect(withRuns(state, failed).unpassed).toEqual(seen);
    expect(withRuns(state, [...failed, ...untested]).unpassed).toEqual(seen);
    expect(withRuns(state, ledger(['run begun', 'r3', RUN], ['run failed', 'r3'])).unpassed).toEqual({
      'marts.t': null,
    });
    expect(withRuns(state, [...failed, ...built]).unpassed).toBeUndefined();
  });
});

describe('a rollback', () => {
  const entries = [
    ...HISTORY,
    ...ledger(
      ['run finished', 'r2', { wrote: { 'marts.t': table(3) } }],
      ['begun', 'two'],
      ['finished', 'two', deployed(4)],
      ['run begun', 'r3', RUN],
      ['run finished', 'r3', { wrote: { 'marts.t': table(5) } }],
    ),
  ];

  it('returns to what runs had written when the earlier deployment was last current, and names the later runs', () => {
    expect(rollbackGoal(entries, undefined, 'prod')).toMatchObject({
      to: 'one',
      deployed: { relations: { 'marts.t': table(3) } },
      undoes: ['r3'],
    });
  });

  it('returns to the state in which a run found the target', () => {
    expect(rollbackGoal(entries, undefined, 'prod', 'r2')).toMatchObject({
      to: 'one',
      deployed: { relations: { 'marts.t': table(2) } },
      undoes: ['r2', 'r3'],
    });
    expect(rollbackGoal(entries, undefined, 'prod', 'r3')).toMatchObject({ to: 'two', undoes: ['r3'] });
    expect(() => rollbackGoal(entries, undefined, 'prod', 'r9')).toThrow(
      'prod has no deployment and no run of dbt called r9.',
    );
  });

  it('returns to what runs had written before anything was deployed', () => {
    const runs = ledger(
      ['run begun', 'r0', RUN],
      ['run finished', 'r0', { wrote: { 'marts.t': table(0) } }],
      ['run begun', 'r1', RUN],
      ['run finished', 'r1', { wrote: { 'marts.t': table(1) } }],
    );
    const goal = { to: null, deployed: { relations: { 'marts.t': table(0) } }, undoes: ['r1'] };
    expect(rollbackGoal(runs, undefined, 'prod', 'r1')).toMatchObject(goal);
    const first = [...runs, ...ledger(['begun', 'one'], ['finished', 'one', deployed(2)])];
    expect(rollbackGoal(first, undefined, 'prod')).toMatchObject({
      to: null,
      deployed: { relations: { 'marts.t': table(1) } },
    });
  });

  it('goes past a deployment that was undone to what runs wrote before it', () => {
    const undone = ledger(['begun', 'two'], ['undone', 'two', deployed(1)]);
    expect(stateAfter([...HISTORY, ...undone]).relations).toEqual({ 'marts.t': table(2) });
    const created = ledger(['run begun', 'r3', RUN], ['run finished', 'r3', { wrote: { 'marts.new': table(0) } }]);
    expect(stateAfter([...HISTORY, ...created, ...undone]).relations).toEqual({
      'marts.t': table(2),
      'marts.new': table(0),
    });
  });
});
