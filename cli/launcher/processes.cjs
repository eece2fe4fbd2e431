'use strict';
const { execFileSync } = require('node:child_process');
const { readFileSync } = require('node:fs');
const { codeOf } = require('./errors.cjs');

/** @typedef {{ pid: number, identity: string }} KnownProcess */

/**
 * The start time of a process, as text, which distinguishes processes because pids are reused.
 * @param {number} pid
 * @returns {string} empty if unknown
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
 * The fields of /proc/PID/stat starting from the state; the name before them may contain spaces and parentheses.
 * @param {number} pid
 */
function linuxStatus(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/**
 * Whether exactly this process is still running.
 * @param {KnownProcess} known
 */
function isRunning(known) {
  if (!exists(known.pid)) return false;
  try {
    // A zombie: dead, but its parent hasn't read its exit code yet.
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
 * Ends what a dead owner left running.
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
    // It has ended in the meantime.
  }
}

module.exports = { identify, isRunning, killGroup, signalGroup };
