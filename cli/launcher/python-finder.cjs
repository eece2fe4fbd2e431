'use strict';
const { join } = require('node:path');
const { SetupError } = require('./errors.cjs');
const { run } = require('./child.cjs');

/** @typedef {{ executable: string, version: [number, number, number], makesEnvironments: boolean }} Python */

const OLDEST = [3, 10];
/** In order of preference: first the versions that dbt is tested with. */
const NAMES = ['python3.13', 'python3.12', 'python3.11', 'python3.10', 'python3', 'python'];

const PROBE = join(__dirname, 'probe.py');

/**
 * Finds a Python for dbt's environment: the one in PYTHON, else the first on the PATH that is new enough. It has to be started to
 * find out, because version managers put commands on the PATH that don't work.
 * @param {Omit<import('./child.cjs').Task, 'command' | 'args' | 'cwd'> & { root: string }} site
 * @param {(python: Python) => boolean} [suits] what else the Python must be able to do
 * @returns {Promise<Python>}
 */
async function findPython(site, suits = () => true) {
  const named = site.env.PYTHON;
  /** @type {Python[]} */
  const found = [];
  for (const command of named ? [named] : NAMES) {
    const python = await probe(site, command);
    if (python === undefined) continue;
    found.push(python);
    if (isNewEnough(python) && suits(python)) return python;
  }
  throw new SetupError(complaint(named, found));
}

/** @param {Parameters<typeof findPython>[0]} site @param {string} command @returns {Promise<Python | undefined>} */
async function probe({ env, signal, log, lock, root }, command) {
  const result = await run({ command, args: [PROBE], cwd: root, env: plainPython(env), signal, log, lock });
  const answer = /meetup-probe (.*)/.exec(result.output)?.[1];
  if (result.code !== 0 || answer === undefined) return undefined;
  const [version, executable, makesEnvironments] = JSON.parse(answer);
  return { version, executable, makesEnvironments };
}

/** @param {Python} python */
const isNewEnough = ({ version: [major, minor] }) => major === OLDEST[0] && minor >= (OLDEST[1] ?? 0);

const INSTALL =
  'install it (Debian, Ubuntu: sudo apt install python3 python3-venv; macOS: brew install python@3.13; Windows: winget install Python.Python.3.13), or set the environment variable PYTHON to one, and try again';

/** @param {string | undefined} named @param {readonly Python[]} found */
function complaint(named, found) {
  const able = found.find(isNewEnough);
  if (able) {
    const version = able.version.slice(0, 2).join('.');
    return `Python ${able.version.join('.')} (${able.executable}) can't make environments, because its venv module is not installed: install it (Debian, Ubuntu: sudo apt install python${version}-venv), or uv (https://docs.astral.sh/uv), which doesn't need it, and try again.`;
  }
  const [old] = found;
  const needs = `dbt needs Python ${OLDEST.join('.')} or newer, and`;
  if (named) {
    const is = old ? `is Python ${old.version.join('.')}` : 'does not start';
    return `${needs} ${named}, which the environment variable PYTHON names, ${is}: set PYTHON to another one, or unset it to search the PATH.`;
  }
  if (old) return `${needs} the newest on the PATH is ${newest(found)}: ${INSTALL}.`;
  return `${needs} there is none on the PATH: ${INSTALL}.`;
}

/** @param {readonly Python[]} found */
function newest(found) {
  const [best] = [...found].sort((a, b) => b.version[0] - a.version[0] || b.version[1] - a.version[1]);
  return best && `${best.version.join('.')} (${best.executable})`;
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv} without the variables that make one Python load another's modules
 */
function plainPython(env) {
  const { PYTHONHOME: _home, PYTHONPATH: _path, VIRTUAL_ENV: _venv, __PYVENV_LAUNCHER__: _launcher, ...rest } = env;
  return rest;
}

module.exports = { findPython, plainPython };
