'use strict';
const { existsSync } = require('node:fs');
const { dirname, join, resolve } = require('node:path');

/**
 * The launcher's files and folders. The state folder and the toolchain follow the rules in cli/src/config/paths.ts, which isn't
 * compiled yet when they are needed; a test compares the two.
 * @typedef {object} Places
 * @property {string} root meetup itself: a checkout or an installed package
 * @property {boolean} installed whether it is an installed package, which is already compiled
 * @property {string} state
 * @property {string} toolchain
 * @property {string} nodeModules
 * @property {string} dist
 * @property {string} workshop where Node packages and the compiled CLI are built before they are moved into place
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
  const state = resolve(cwd, args.stateDir || env.MEETUP_STATE_DIR || join(projectOf(env, cwd, root), '.meetup'));
  return {
    root,
    installed: isInstalled(root),
    state,
    toolchain: resolve(cwd, env.MEETUP_TOOLCHAIN_DIR || join(state, 'toolchain')),
    nodeModules: join(root, 'node_modules'),
    dist: join(root, 'dist'),
    workshop: join(root, '.meetup', 'setup'),
    logs: join(state, 'logs'),
  };
}

/** @param {string} root */
const isInstalled = (root) => !existsSync(join(root, 'cli', 'src'));

/**
 * The root of the project that a command works on.
 * @param {NodeJS.ProcessEnv} env
 * @param {string} cwd
 * @param {string} root
 */
function projectOf(env, cwd, root) {
  if (env.MEETUP_PROJECT_DIR) return resolve(cwd, env.MEETUP_PROJECT_DIR);
  return nearest(cwd, 'meetup.yml') ?? nearest(cwd, 'dbt_project.yml') ?? (isInstalled(root) ? cwd : root);
}

/**
 * @param {string} from
 * @param {string} name
 */
function nearest(from, name) {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, name))) return folder;
    if (dirname(folder) === folder) return undefined;
  }
}

module.exports = { placesOf };
