import { describe, expect, it } from 'vitest';
import {
  baseOf,
  currentDeployment,
  deployedNow,
  type Entry,
  interrupted,
  NOTHING_DEPLOYED,
} from '../../src/deploy/ledger.ts';
import { movesTo } from '../../src/deploy/put-back.ts';
import { requireSameGoal, rollBack, rollbackGoal } from '../../src/deploy/rollback.ts';
import { quietEffects } from '../support/effects.ts';
import { entryOf, fakeTarget } from './fake-target.ts';

/** A ledger entry in short: the event, its deployment, and the version of `marts.t` afterwards. */
type Line = readonly [event: Entry['event'], deployment: string, version?: number | undefined, to?: string | null];

const ledger = (...lines: Line[]): Entry[] =>
  lines.map(([event, deployment, version, to], i) => {
    const details = {
      ...(version === undefined ? {} : { deployed: { ...NOTHING_DEPLOYED, relations: at(version) } }),
      ...(to === undefined ? {} : { to }),
    };
    return entryOf(event, deployment, details, i + 1);
  });
const at = (version: number) => ({ 'marts.t': { kind: 'table', version, committedAt: 'then' } as const });

const ZERO = { kind: 'table', version: 0, committedAt: 'time 0' } as const;

const TWO = ledger(['begun', 'one'], ['finished', 'one', 1], ['begun', 'two'], ['finished', 'two', 2]);
const BACK = ledger(
  ['begun', 'one'],
  ['finished', 'one', 1],
  ['begun', 'two'],
  ['finished', 'two', 2],
  ['rolling back', 'r', undefined, 'one'],
  ['rolled back', 'r', 3, 'one'],
);

describe('a rollback', () => {
  it('returns to the deployment before the last', () => {
    expect(rollbackGoal(TWO, undefined, 'prod')).toMatchObject({
      from: 'two',
      to: 'one',
      deployed: { relations: at(1) },
    });
  });

  it('is refused if something was forgotten since, but not within what never held it', () => {
    const deployed = (version: number, forgotten: string[]) => ({
      deployed: { ...NOTHING_DEPLOYED, relations: at(version), forgotten },
    });
    const entries = [
      entryOf('finished', 'one', deployed(1, []), 1),
      entryOf('finished', 'two', deployed(2, ['a']), 2),
      entryOf('vacuumed', 'two', deployed(2, ['a']), 3),
      entryOf('begun', 'three', {}, 4),
      entryOf('finished', 'three', deployed(3, ['a']), 5),
    ];
    expect(() => rollbackGoal(entries, 'one', 'prod')).toThrow(
      "prod can't go back to one: something was forgotten since, and its tables still held it then.",
    );
    expect(rollbackGoal(entries, undefined, 'prod')).toMatchObject({ from: 'three', to: 'two' });
  });

  it('returns to the state before the first deployment if there is only one', () => {
    const one = ledger(['begun', 'one'], ['finished', 'one', 1]);
    expect(rollbackGoal(one, undefined, 'prod')).toEqual({
      from: 'one',
      to: null,
      deployed: NOTHING_DEPLOYED,
      undoes: [],
    });
  });

  it('returns to the state that an earlier rollback restored, if that preceded the last deployment', () => {
    const entries = [...BACK, ...ledger(['begun', 'three'], ['finished', 'three', 4])];
    expect(rollbackGoal(entries, undefined, 'prod')).toMatchObject({
      from: 'three',
      to: 'one',
      deployed: { relations: at(3) },
    });
  });

  it('goes to a named deployment, backward or forward', () => {
    expect(rollbackGoal(BACK, 'two', 'prod')).toMatchObject({ from: 'one', to: 'two', deployed: { relations: at(2) } });
  });

  it('goes forward from the state before the first deployment if a deployment is named', () => {
    const back = [...TWO, ...ledger(['rolled back', 'r', undefined, null])];
    expect(rollbackGoal(back, 'two', 'prod')).toMatchObject({ from: null, to: 'two', deployed: { relations: at(2) } });
    expect(() => rollbackGoal(back, undefined, 'prod')).toThrow('Nothing is deployed to prod');
    expect(() => rollbackGoal([], 'two', 'prod')).toThrow('prod has no deployment two: none finished successfully.');
  });

  it('is rejected if somebody has deployed or dbt has run since it was confirmed', () => {
    const agreed = rollbackGoal(TWO, undefined, 'prod');
    expect(() => requireSameGoal(agreed, agreed, 'prod')).not.toThrow();
    const now = rollbackGoal([...TWO, ...ledger(['begun', 'three'], ['finished', 'three', 3])], undefined, 'prod');
    expect(() => requireSameGoal(agreed, now, 'prod')).toThrow('prod is now at three, not at two');
    const afterRun = rollbackGoal([...TWO, ...ledger(['run begun', 'r1'], ['run finished', 'r1'])], undefined, 'prod');
    expect(() => requireSameGoal(agreed, afterRun, 'prod')).toThrow('dbt ran on prod in the meantime');
  });

  it('is rejected if the named deployment never succeeded or does not exist', () => {
    const entries = [...TWO, ...ledger(['begun', 'three'], ['undone', 'three', 5])];
    expect(() => rollbackGoal(entries, 'three', 'prod')).toThrow(
      'prod has no deployment three: the last are one, two.',
    );
    expect(() => rollbackGoal([], undefined, 'prod')).toThrow('Nothing is deployed to prod');
  });
});

describe('the way back', () => {
  it('restores no table that has only been maintained since', async () => {
    const target = fakeTarget({
      'marts.t': ['WRITE', 'OPTIMIZE', 'SET TBLPROPERTIES', 'VACUUM START', 'VACUUM END'],
      'marts.u': ['WRITE', 'MERGE', 'OPTIMIZE'],
    });
    const wanted = { 'marts.t': ZERO, 'marts.u': ZERO };
    const moves = await movesTo(target.remote, wanted);
    expect(moves.flatMap(({ statements }) => statements)).toEqual([
      'restore table `main`.`marts`.`u` to version as of 0',
    ]);
  });
});

describe('a rollback that cannot restore every table', () => {
  const goal = {
    from: 'two',
    to: 'one',
    undoes: [],
    deployed: { ...NOTHING_DEPLOYED, relations: { ...at(0), 'marts.u': ZERO } },
  };
  const going = (force: boolean) => {
    const target = fakeTarget({ 'marts.u': ['WRITE', 'MERGE'] });
    const context = {
      remote: target.remote,
      effects: quietEffects(),
      target: {
        name: 'prod',
        catalog: 'main',
        options: { host: 'h', httpPath: 'p', catalog: 'main' },
        environment: {},
      },
      git: { commit: null, dirty: false },
      versions: {},
    } as const;
    return { target, done: rollBack(context, 'r', TWO, goal, force) };
  };

  it('changes nothing, and names the tables', async () => {
    const { target, done } = going(false);
    await expect(done).rejects.toThrow(
      /^prod can't go back to one completely: marts.t was dropped, .* Nothing was changed; --force puts back the rest.$/,
    );
    expect(target.tables.get('marts.u')).toEqual(['WRITE', 'MERGE']);
    expect(target.written).toEqual([]);
  });

  it('restores the rest with --force, and names the tables', async () => {
    const { target, done } = going(true);
    expect(await done).toMatchObject({ restored: ['marts.u'], failed: [{ relation: 'marts.t' }] });
    expect(target.tables.get('marts.u')).toEqual(['WRITE', 'MERGE', 'RESTORE']);
  });
});

describe('the ledger', () => {
  it('determines the current deployment of the target', () => {
    expect(currentDeployment([])).toBeNull();
    expect(currentDeployment(BACK)).toBe('one');
    expect(baseOf(BACK, 'two')).toBe('one');
    expect(deployedNow([...TWO, ...ledger(['begun', 'three'], ['undone', 'three', 5])]).relations).toEqual(at(5));
  });

  it('does not count an undone deployment as current, even if it was recorded as finished before', () => {
    const late = [...TWO, ...ledger(['begun', 'three'], ['finished', 'three', 3], ['undone', 'three', 4])];
    expect(currentDeployment(late)).toBe('two');
    expect(rollbackGoal(late, undefined, 'prod')).toMatchObject({ from: 'two', to: 'one' });
    expect(() => rollbackGoal(late, 'three', 'prod')).toThrow('prod has no deployment three: the last are one, two.');
  });

  it('shows the unfinished deployment or rollback of a dead process', () => {
    expect(interrupted(TWO)).toBeUndefined();
    expect(interrupted([...TWO, ...ledger(['begun', 'three'])])?.deployment).toBe('three');
    expect(interrupted(BACK.slice(0, -1))?.event).toBe('rolling back');
  });
});
