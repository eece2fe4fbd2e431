'use strict';
const { copyFileSync, mkdirSync, readFileSync } = require('node:fs');
const { join } = require('node:path');
const { Log, failure, run } = require('./child.cjs');
const { SetupError, aboutFiles, isAboutFiles } = require('./errors.cjs');
const { PACKAGE_INPUTS, PLATFORM, packagesStamp } = require('./ready.cjs');
const { takeStamp, writeStamp } = require('./stamp.cjs');
const { replaceFolder } = require('./swap.cjs');

const WHAT = 'The Node packages';

/**
 * Installs exactly the packages in package-lock.json into a temporary folder that then replaces node_modules.
 * @param {import('./setup.cjs').Site} site
 */
async function makeNodePackages(site) {
  const { places, progress } = site;
  const stamp = takeStamp(places.root, PACKAGE_INPUTS, PLATFORM);
  try {
    if (installedByHand(places)) writeStamp(packagesStamp(places), stamp);
    else await progress.step('Installing the Node packages', () => install(site, stamp));
  } catch (error) {
    throw isAboutFiles(error) ? new SetupError(aboutFiles(WHAT, error), error) : error;
  }
}

/** @param {import('./setup.cjs').Site} site @param {import('./stamp.cjs').Stamp} stamp */
async function install({ places, env, signal, lock }, stamp) {
  const folder = join(places.workshop, `packages-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  for (const file of ['package.json', 'package-lock.json']) copyFileSync(join(places.root, file), join(folder, file));
  const log = new Log(places.logs, 'node-packages');
  try {
    const result = await run({
      command: 'npm',
      // Explicitly, because npm would otherwise use the nearest package.json above and empty the node_modules next to it.
      args: [...NPM_CI, `--prefix=${folder}`],
      cwd: folder,
      env: npmEnvironment(env),
      signal,
      log,
      lock,
    });
    if (result.code === 127) {
      throw new SetupError(
        `${WHAT} can't be installed because npm is not on the PATH: it comes with Node (Debian, Ubuntu: sudo apt install npm); install it and try again.`,
      );
    }
    if (result.code !== 0) throw failure(WHAT, 'npm', result, log);
  } finally {
    log.close();
  }
  const packages = join(folder, 'node_modules');
  // npm creates no folder if there are no dependencies.
  mkdirSync(packages, { recursive: true });
  writeStamp(packagesStamp({ ...places, nodeModules: packages }), stamp);
  await replaceFolder(packages, places.nodeModules, places.workshop);
}

/** Overrides user settings that would omit the compiler (a development dependency) or native engines (optional dependencies). */
const NPM_CI = [
  'ci',
  '--include=dev',
  '--include=optional',
  '--prefer-offline',
  '--no-audit',
  '--no-fund',
  '--no-progress',
  '--fetch-retries=2',
  '--fetch-retry-mintimeout=500',
  '--fetch-retry-maxtimeout=4000',
];

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv} without what would make npm install somewhere else
 */
function npmEnvironment(env) {
  const { npm_config_global: _global, npm_config_prefix: _prefix, npm_config_local_prefix: _local, ...rest } = env;
  return { ...rest, npm_config_update_notifier: 'false' };
}

/**
 * Whether the user's own `npm install` has already installed exactly the locked packages: at the end, npm writes what it
 * installed in the format of the lock file.
 * @param {import('./places.cjs').Places} places
 */
function installedByHand(places) {
  const locked = readPackages(join(places.root, 'package-lock.json'));
  const installed = readPackages(join(places.nodeModules, '.package-lock.json'));
  if (locked === undefined || installed === undefined) return false;
  for (const [path, { version, integrity, os, cpu }] of Object.entries(installed)) {
    if (locked[path]?.version !== version || locked[path]?.integrity !== integrity) return false;
    if ((os && !os.includes(process.platform)) || (cpu && !cpu.includes(process.arch))) return false;
  }
  return Object.entries(locked).every(([path, { optional }]) => path === '' || optional === true || path in installed);
}

/**
 * @typedef {{ version?: string, integrity?: string, optional?: boolean, os?: string[], cpu?: string[] }} LockedPackage
 * @param {string} path of a lock file
 * @returns {Record<string, LockedPackage> | undefined}
 */
function readPackages(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

module.exports = { makeNodePackages };
