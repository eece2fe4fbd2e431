'use strict';
const { existsSync } = require('node:fs');
const { rm } = require('node:fs/promises');
const { join } = require('node:path');
const { isAboutNetwork } = require('./child.cjs');
const { pythonIn } = require('./ready.cjs');

/** @typedef {import('./python-env.cjs').Run} Run */

/** The uv to install if there is none, with the hashes of all its builds. */
const UV_REQUIREMENTS = join(__dirname, 'requirements-uv.txt');
/** The first release that supports all options used here. */
const OLDEST = [0, 4];

/** @param {string} toolchain */
const helperIn = (toolchain) => join(toolchain, 'uv');
/** @param {string} helper */
const uvIn = (helper) => join(pythonIn(helper), '..', process.platform === 'win32' ? 'uv.exe' : 'uv');

/**
 * @param {Run} call
 * @param {string} toolchain
 * @returns {Promise<string | undefined>} the uv on the PATH, or the one in the toolchain, if it starts
 */
async function findUv(call, toolchain) {
  for (const command of ['uv', uvIn(helperIn(toolchain))]) {
    const { code, output } = await call(command, ['--version']);
    const version = /^uv (\d+)\.(\d+)/m.exec(output);
    if (code !== 0 || version === null) continue;
    const [major, minor] = [Number(version[1]), Number(version[2])];
    if (major > 0 || minor >= (OLDEST[1] ?? 0)) return command;
  }
  return undefined;
}

/**
 * Creates the environment that uv itself is installed into.
 * @param {Run} call
 * @param {(tool: string, result: { code: number, output: string }) => void} must
 * @param {string} python
 * @param {import('./places.cjs').Places} places
 * @returns {Promise<{ uv: string } | { uv: undefined, python: string }>} without uv if it has no build for this machine
 */
async function makeHelper(call, must, python, places) {
  const helper = helperIn(places.toolchain);
  if (existsSync(helper)) await rm(helper, { recursive: true, force: true, maxRetries: 5 });
  must('Python', await call(python, ['-m', 'venv', helper]));
  const options = ['--require-hashes', '--only-binary', ':all:', '--retries', '2'];
  const result = await call(pythonIn(helper), ['-m', 'pip', 'install', ...options, '-r', UV_REQUIREMENTS]);
  // A machine without uv is not an error, only slower. But pip also finds no match without a network, which must be reported.
  const unavailable = /No matching distribution/i.test(result.output) && !isAboutNetwork(result.output);
  if (result.code !== 0 && unavailable) return { uv: undefined, python: pythonIn(helper) };
  must('pip', result);
  return { uv: uvIn(helper) };
}

module.exports = { findUv, makeHelper };
