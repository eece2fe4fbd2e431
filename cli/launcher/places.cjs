'use strict';
const { join, resolve } = require('node:path');

/**
 * Where the launcher reads and makes things. The state folder and the toolchain follow the rules of
 * cli/src/config/paths.ts, which is not compiled yet when they are needed; a test compares the two.
 * @typedef {object} Places
 * @property {string} root the repository
 * @property {string} state
 * @property {string} toolchain
 * @property {string} nodeModules
 * @property {string} dist
 * @property {string} workshop where Node packages and the compiled CLI are made before they take their place
 * @property {string} logs
 */

/**
 * @param {{ stateDir?: string | undefined }} args
 * @param {NodeJS.ProcessEnv} env
 * @param {string} cwd
 * @param {string} [root]
 * @returns {Places}
 */
function placesOf(args, env, cwd, root = resolve(__dirname, '../..')) {
  const state = resolve(cwd, args.stateDir || env.MEETUP_STATE_DIR || join(root, '.meetup'));
  return {
    root,
    state,
    toolchain: resolve(cwd, env.MEETUP_TOOLCHAIN_DIR || join(state, 'toolchain')),
    nodeModules: join(root, 'node_modules'),
    dist: join(root, 'dist'),
    workshop: join(root, '.meetup', 'setup'),
    logs: join(state, 'logs'),
  };
}

module.exports = { placesOf };
