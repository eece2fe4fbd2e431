import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { InterruptedError } from '../../src/config/errors.ts';
import { LockLostError, withDeployLock } from '../../src/deploy/lock.ts';
import type { Remote } from '../../src/deploy/remote.ts';
import { announcing } from '../../src/deploy/with-lease.ts';
import type { DatabricksRow } from '../../src/warehouse/databricks.ts';
import { quietEffects } from '../support/effects.ts';
import { remoteAnswering } from './fake-target.ts';

/** A target that only has the lock's row, and counts its statements. */
function targetWithLock() {
  const row: { holder: string | null; expired: boolean } = { holder: null, expired: true };
  let asked = 0;
  const rows = async (sql: string): Promise<DatabricksRow[]> => {
    asked += 1;
    if (sql.startsWith('select count')) return [{ n: 1 }];
    const taken = /set holder = '([^']*)'/.exec(sql)?.[1];
    const isAvailable = row.holder === null || row.expired || sql.includes(`or holder = '${row.holder}'`);
    if (taken !== undefined && isAvailable) Object.assign(row, { holder: taken, expired: false });
    if (sql.includes('set holder = null') && sql.includes(`'${row.holder}'`)) row.holder = null;
    return sql.startsWith('select holder') ? [{ ...row, until: 'soon' }] : [];
  };
  return { remote: remoteAnswering(rows), row, asked: () => asked };
}

describe('the deployment lock', () => {
  it('is released at the end, and not checked again while its lease is fresh', async () => {
    const { remote, row, asked } = targetWithLock();
    await withDeployLock(remote, 'one', async ({ requireHeld }) => {
      const before = asked();
      await requireHeld();
      expect(asked()).toBe(before);
      await expect(withDeployLock(remote, 'two', async () => undefined)).rejects.toThrow(
        /^The target is being changed by deployment one, process \d+ on /,
      );
    });
    expect(row.holder).toBeNull();
  });

  it('is waited for, with its holder, and taken once it is free', async () => {
    const { remote, row } = targetWithLock();
    row.holder = 'dbt 20261130-053000-ab12 77/88 prod';
    row.expired = false;
    const waited: string[] = [];
    const wait = {
      limitMs: 60_000,
      everyMs: 1,
      signal: new AbortController().signal,
      onWait: (holder: string) => {
        waited.push(holder);
        if (waited.length === 2) row.holder = null;
      },
    };
    await withDeployLock(remote, 'one', async () => expect(row.holder).toContain(' one '), { wait });
    expect(waited).toEqual(Array(2).fill('run 20261130-053000-ab12 of job 77 (88)'));
  });

  it('is waited for with a line for each holder, also where progress is not shown', () => {
    const effects = quietEffects();
    const onWait = announcing(effects.reporter, 'prod');
    for (const holder of ['run r1 of job 77 (88)', 'run r1 of job 77 (88)', 'run r2 of dbt']) onWait(holder);
    expect(effects.notes).toEqual([
      'Waiting for run r1 of job 77 (88), which is changing prod …',
      'Waiting for run r2 of dbt, which is changing prod …',
    ]);
  });

  it('is no longer waited for after the limit, or when the command is interrupted', async () => {
    const { remote, row } = targetWithLock();
    Object.assign(row, { holder: 'dbt 20261130-053000-ab12 -/- prod', expired: false });
    const stop = new AbortController();
    const wait = { limitMs: 0, everyMs: 60_000, signal: stop.signal, onWait: () => stop.abort() };
    await expect(withDeployLock(remote, 'one', async () => undefined, { wait })).rejects.toThrow(
      'The target is being changed by run 20261130-053000-ab12 of dbt.',
    );
    const patient = { ...wait, limitMs: 60_000 };
    await expect(withDeployLock(remote, 'one', async () => undefined, { wait: patient })).rejects.toThrow(
      InterruptedError,
    );
  });

  it('is released over another connection if its own was lost', async () => {
    const { remote, row } = targetWithLock();
    let isLost = false;
    const run = async (sql: string): Promise<void> => {
      if (isLost) throw new Error('the connection is closed');
      await remote.connection.run(sql);
    };
    const own: Remote = { ...remote, connection: { ...remote.connection, run } };
    const work = async (): Promise<void> => {
      isLost = true;
    };
    await withDeployLock(own, 'one', work, { reconnect: async () => remote.connection });
    expect(row.holder).toBeNull();
  });

  it('is renewed over another connection if its own may be lost', async () => {
    const { remote, asked } = targetWithLock();
    const other = targetWithLock();
    await withDeployLock(remote, 'one', async ({ requireHeld }) => {
      const before = asked();
      await expect(requireHeld(other.remote)).rejects.toThrow(LockLostError);
      expect(asked()).toBe(before);
      expect(other.asked()).toBe(2);
    });
  });

  it('is taken over from a dead process, but not from one on another machine with the same name', async () => {
    const { remote, row } = targetWithLock();
    await withDeployLock(remote, 'one', async () => {
      const gone = spawnSync('true').pid;
      const mine = row.holder?.replace(` ${process.pid} `, ` ${gone} `) ?? '';
      row.holder = mine.replace(/\w$/, (last) => (last === '0' ? '1' : '0'));
      await expect(withDeployLock(remote, 'two', async () => undefined)).rejects.toThrow(
        `The target is being changed by deployment one, process ${gone} on `,
      );
      row.holder = mine;
      await withDeployLock(remote, 'two', async () => expect(row.holder).toContain(` ${process.pid} two `));
    });
  });

  it('stays with its new holder, and the old one stops, if the lease expired during a long sleep', async () => {
    const { remote, row } = targetWithLock();
    let now = 0;
    const work = withDeployLock(
      remote,
      'one',
      async ({ lost, requireHeld }) => {
        now += 200_000;
        await requireHeld();
        row.holder = 'elsewhere 1 two';
        now += 600_000;
        await expect(requireHeld()).rejects.toThrow(LockLostError);
        expect(lost.aborted).toBe(true);
        await requireHeld();
      },
      { now: () => now },
    );
    await expect(work).rejects.toThrow(
      'The lease was not renewed in time and is now held by deployment two, process 1 on elsewhere',
    );
    expect(row.holder).toBe('elsewhere 1 two');
  });
});
