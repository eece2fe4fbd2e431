'use strict';
const {
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} = require('node:fs');
const { hostname } = require('node:os');
const { join } = require('node:path');
const { setTimeout: delay } = require('node:timers/promises');
const { Interrupted, codeOf } = require('./errors.cjs');
const { identify, isRunning, killGroup } = require('./processes.cjs');

/**
 * A lock made only of files, since nothing else is available before the setup. A dead owner's lock counts as free.
 *
 * The lock is a sequence of files `lock.1`, `lock.2`, …: the one with the highest number counts and is never removed. It
 * contains the owner, or that the lock is free. A process that finds it free, or its owner dead, creates the next number, which
 * only one process can do, and then checks whether an even higher one has appeared in the meantime. So nobody ever removes a
 * lock file that somebody else may just have taken, which is the flaw of the usual lock file with a pid.
 *
 * @typedef {object} Owner
 * @property {number} pid
 * @property {string} identity distinguishes the process from a later one with the same pid
 * @property {string} host
 * @property {{ pid: number, identity: string }[]} children process groups that the owner started
 * @property {boolean} free
 */

/**
 * A process on another machine or in another container can't be looked up, so it counts as dead if its lock isn't renewed for
 * this long.
 */
const FOREIGN_SILENCE_MS = 30_000;
const HEARTBEAT_MS = 5_000;
/** How long an incomplete lock file may be in the process of being written; after that, its writer was killed. */
const UNREADABLE_MS = 2_000;
const POLL_MS = 100;

class Lock {
  #file;
  /** @type {Owner} */
  #owner;
  #heartbeat;

  /** @param {string} file @param {Owner} owner */
  constructor(file, owner) {
    this.#file = file;
    this.#owner = owner;
    this.#heartbeat = setInterval(() => touch(file), HEARTBEAT_MS).unref();
  }

  /**
   * Records a process group that works for the owner, so that the next owner can end it first.
   * @param {number} pid
   */
  addChild(pid) {
    this.#owner.children.push({ pid, identity: identify(pid) });
    overwrite(this.#file, this.#owner);
  }

  /** @param {number} pid */
  removeChild(pid) {
    this.#owner.children = this.#owner.children.filter((child) => child.pid !== pid);
    overwrite(this.#file, this.#owner);
  }

  release() {
    clearInterval(this.#heartbeat);
    overwrite(this.#file, { ...this.#owner, children: [], free: true });
  }
}

/**
 * Waits for the lock, and takes it.
 * @param {string} folder of the lock's files; created if missing
 * @param {AbortSignal} signal
 * @param {(pid: number) => void} onWait called once, with the process that has the lock
 * @returns {Promise<Lock>}
 */
async function takeLock(folder, signal, onWait) {
  mkdirSync(folder, { recursive: true });
  let said = false;
  for (;;) {
    if (signal.aborted) throw new Interrupted();
    const newest = newestLock(folder);
    const owner = newest === 0 ? undefined : readOwner(lockFile(folder, newest));
    if (owner === 'unreadable' || (owner !== undefined && holds(owner, lockFile(folder, newest)))) {
      if (owner !== 'unreadable' && !said) onWait(owner.pid);
      said ||= owner !== 'unreadable';
      await delay(POLL_MS, undefined, { signal }).catch(() => {});
      continue;
    }
    const lock = tryToCreate(folder, newest + 1);
    if (lock === undefined) continue;
    for (const child of owner?.children ?? []) killGroup(child);
    return lock;
  }
}

/**
 * The current owner of the lock.
 * @param {string} folder
 * @returns {number | undefined} the id of a running process
 */
function lockOwner(folder) {
  const newest = newestLock(folder);
  if (newest === 0) return undefined;
  const owner = readOwner(lockFile(folder, newest));
  return owner !== undefined && owner !== 'unreadable' && holds(owner, lockFile(folder, newest))
    ? owner.pid
    : undefined;
}

/** @param {string} folder @param {number} number */
const lockFile = (folder, number) => join(folder, `lock.${number}`);

/** @param {string} folder */
function lockNumbers(folder) {
  try {
    return readdirSync(folder).flatMap((name) => (/^lock\.\d+$/.test(name) ? [Number(name.slice(5))] : []));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** @param {string} folder */
const newestLock = (folder) => Math.max(0, ...lockNumbers(folder));

/** @param {string} folder @param {number} number */
function tryToCreate(folder, number) {
  const file = lockFile(folder, number);
  const owner = { pid: process.pid, identity: identify(process.pid), host: hostname(), children: [], free: false };
  try {
    writeFileSync(file, JSON.stringify(owner), { flag: 'wx' });
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return undefined;
    throw error;
  }
  if (newestLock(folder) !== number) {
    // Others have taken and released the lock in the meantime, so a higher file counts and ours is ignored.
    rmSync(file, { force: true });
    return undefined;
  }
  for (const older of lockNumbers(folder)) if (older < number) rmSync(lockFile(folder, older), { force: true });
  return new Lock(file, owner);
}

/**
 * @param {string} file
 * @returns {Owner | 'unreadable' | undefined} undefined if the file doesn't exist
 */
function readOwner(file) {
  try {
    const owner = JSON.parse(readFileSync(file, 'utf8'));
    return typeof owner.pid === 'number' && Array.isArray(owner.children) ? owner : undefined;
  } catch {
    return ageOf(file) < UNREADABLE_MS ? 'unreadable' : undefined;
  }
}

/** @param {Owner} owner @param {string} file */
function holds(owner, file) {
  if (owner.free) return false;
  if (owner.host !== hostname()) return ageOf(file) < FOREIGN_SILENCE_MS;
  return isRunning(owner);
}

/** @param {string} file in milliseconds */
function ageOf(file) {
  const stats = statSync(file, { throwIfNoEntry: false });
  return stats === undefined ? 0 : Date.now() - stats.mtimeMs;
}

/** @param {string} file @param {Owner} owner */
function overwrite(file, owner) {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, JSON.stringify(owner));
    renameSync(temporary, file);
  } catch {
    // A full disk must not hide the real error; the lock ends with the process anyway.
    rmSync(temporary, { force: true });
  }
}

/** @param {string} file */
function touch(file) {
  try {
    utimesSync(file, new Date(), new Date());
  } catch {}
}

module.exports = { lockOwner, takeLock };
