import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { identify, lockOwner, repository, takeLock } from './modules.ts';

const never = new AbortController().signal;
const expectNoWait = () => expect.unreachable('the lock was free');

describe('the setup lock', () => {
  let folder: string;
  const children: ChildProcess[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'meetup-lock-'));
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await rm(folder, { recursive: true, maxRetries: 3 });
  });

  /** Starts a process that takes the lock and then isRunning `body`. */
  function locker(body: string): ChildProcess {
    const source = `
      const { takeLock } = require(${JSON.stringify(join(repository, 'cli', 'launcher', 'lock.cjs'))});
      const { readFileSync, writeFileSync } = require('node:fs');
      const { spawn } = require('node:child_process');
      const folder = ${JSON.stringify(folder)};
      takeLock(folder, new AbortController().signal, () => {}).then(async (lock) => { ${body} });`;
    const child = spawn(process.execPath, ['-e', source], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    return child;
  }

  it('can be taken, released and taken again, and shows its owner', async () => {
    const lock = await takeLock(folder, never, expectNoWait);
    expect(lockOwner(folder)).toBe(process.pid);
    lock.release();
    expect(lockOwner(folder)).toBeUndefined();
    const again = await takeLock(folder, never, expectNoWait);
    again.release();
  });

  it('makes a second process wait, which reports the owner once', async () => {
    const first = await takeLock(folder, never, expectNoWait);
    const waits: number[] = [];
    const second = takeLock(folder, never, (pid) => waits.push(pid));
    await delay(350);
    expect(waits).toEqual([process.pid]);
    first.release();
    (await second).release();
  });

  it('lets a waiting process be interrupted', async () => {
    const lock = await takeLock(folder, never, expectNoWait);
    const stop = new AbortController();
    const waiting = takeLock(folder, stop.signal, () => stop.abort());
    await expect(waiting).rejects.toThrow('Interrupted');
    lock.release();
  });

  it('is free again as soon as its owner is killed', async () => {
    const owner = locker("console.log('has it'); setInterval(() => {}, 1000);");
    await once(owner.stdout ?? expect.unreachable(), 'data');
    expect(lockOwner(folder)).toBe(owner.pid);
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    (await takeLock(folder, never, expectNoWait)).release();
  });

  it('ends the child processes of a killed owner before it is taken again', async () => {
    const owner = locker(`
      const work = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
      lock.addChild(work.pid);
      console.log(work.pid);
      setInterval(() => {}, 1000);`);
    const [printed] = await once(owner.stdout ?? expect.unreachable(), 'data');
    const orphan = Number(String(printed));
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    expect(identify(orphan)).not.toBe('');
    (await takeLock(folder, never, expectNoWait)).release();
    await expect.poll(() => isRunning(orphan)).toBe(false);
  });

  it('is not held by a later process with the same id', async () => {
    await writeLock({ pid: process.pid, identity: 'started at another time' });
    (await takeLock(folder, never, expectNoWait)).release();
  });

  it('is held by a process on another machine or in another container as long as it renews the lock', async () => {
    await writeLock({ pid: 1, identity: '', host: 'elsewhere' });
    expect(lockOwner(folder)).toBe(1);
    await utimes(join(folder, 'lock.1'), new Date(), new Date(Date.now() - 60_000));
    expect(lockOwner(folder)).toBeUndefined();
    (await takeLock(folder, never, expectNoWait)).release();
  });

  it('is not held by an incomplete lock file of a process that was killed', async () => {
    await writeFile(join(folder, 'lock.1'), '{"pid":');
    await utimes(join(folder, 'lock.1'), new Date(), new Date(Date.now() - 5_000));
    (await takeLock(folder, never, expectNoWait)).release();
  });

  it('has one owner at a time, even if many processes take over the lock of a dead owner', async () => {
    const dead = spawnSync(process.execPath, ['-e', '0']);
    await writeLock({ pid: dead.pid, identity: 'gone' });
    const counter = join(folder, 'counter');
    await writeFile(counter, '0');
    // Reads, waits and writes, so two owners at once would lose a count.
    const body = `
      for (let i = 0; i < 5; i += 1) {
        const count = Number(readFileSync('${counter}', 'utf8'));
        await new Promise((done) => setTimeout(done, 2));
        writeFileSync('${counter}', String(count + 1));
        lock.release();
        lock = await takeLock(folder, new AbortController().signal, () => {});
      }
      lock.release();`;
    const crowd = Array.from({ length: 6 }, () => locker(body));
    await Promise.all(crowd.map((one) => once(one, 'exit')));
    expect(await readFile(counter, 'utf8')).toBe('30');
  });

  function writeLock(owner: { pid: number; identity: string; host?: string }) {
    const text = JSON.stringify({ host: hostname(), children: [], free: false, ...owner });
    return writeFile(join(folder, 'lock.1'), text);
  }
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).stdout.startsWith('Z');
  } catch {
    return false;
  }
}
