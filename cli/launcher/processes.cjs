'use strict';
const { execFileSync } = require('node:child_process');
const { readFileSync } = require('node:fs');
const { codeOf } = require('./errors.cjs');

/** @typedef {{ pid: number, identity: string }} KnownProcess */

/**
 * When a process was started, as text: process numbers are used again, the moment is not.
 * @param {number} pid
 * @returns {string} empty if the system does not tell
 */
function identify(pid) {
  try {
    if (process.platform === 'linux') {
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
      return `${boot} ${linuxStatus(pid)[19]}`;
    }
    if (process.platform === 'win32') return '';
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return '';
  }
}

/**
 * The fields of /proc/PID/stat from the state on; the name before them may hold spaces and parentheses.
 * @param {number} pid
 */
function linuxStatus(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/**
 * Whether that very process still runs.
 * @param {KnownProcess} known
 */
function isRunning(known) {
  if (!exists(known.pid)) return false;
  try {
    // Dead, but its parent has not asked for its exit code yet.
    if (process.platform === 'linux' && linuxStatus(known.pid)[0] === 'Z') return false;
  } catch {
    return false;
  }
  const now = identify(known.pid);
  return known.identity === '' || now === '' || now === known.identity;
}

/** @param {number} pid */
function exists(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/**
 * Ends what a dead owner had started and left running.
 * @param {KnownProcess} leader of a process group
 */
function killGroup(leader) {
  if (isRunning(leader)) signalGroup(leader.pid, 'SIGKILL');
}

/** @param {number} pid @param {NodeJS.Signals} signal */
function signalGroup(pid, signal) {
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, signal);
  } catch {
    // It ended by itself.
  }
}

module.exports = { identify, isRunning, killGroup, signalGroup };
