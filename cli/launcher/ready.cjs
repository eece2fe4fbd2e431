'use strict';
const { existsSync, realpathSync } = require('node:fs');
const { join } = require('node:path');
const { isFresh, readStamp } = require('./stamp.cjs');

/** @typedef {import('./places.cjs').Places} Places */
/**
 * The environment that runs dbt, the one with MetricFlow, those of tests (the task for landed files, clients of Databricks, Go), or the
 * tools that check the project itself.
 * @typedef {'python' | 'metrics' | 'landing' | 'clients' | 'go' | 'dev'} EnvName
 */

const PLATFORM = `${process.platform}-${process.arch}`;

const PACKAGE_INPUTS = ['package-lock.json'];
const CLI_INPUTS = ['cli/src', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'];
/** @type {Record<EnvName, string>} */
const REQUIREMENTS = {
  python: 'dbt/requirements.txt',
  metrics: 'dbt/requirements-metrics.txt',
  landing: 'dbt/requirements-landing.txt',
  clients: 'dbt/requirements-clients.txt',
  go: 'dbt/requirements-go.txt',
  dev: 'dbt/requirements-dev.txt',
};

/** @param {Places} places */
const packagesStamp = (places) => join(places.nodeModules, '.meetup-stamp.json');
/** @param {string} dist */
const cliStamp = (dist) => join(dist, '.stamp.json');
/** @param {string} env */
const envStamp = (env) => join(env, 'meetup-stamp.json');
/** @param {string} env */
const pythonIn = (env) => join(env, ...(process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python']));

/** @param {Places} places */
function packagesAreReady(places) {
  return isFresh(packagesStamp(places), places.root, PACKAGE_INPUTS, PLATFORM);
}

/** @param {Places} places */
function cliIsReady(places) {
  return isFresh(cliStamp(places.dist), places.root, CLI_INPUTS, '');
}

/**
 * Whether a Python environment is complete and matches the current requirements, and its interpreter still exists.
 * Doesn't start Python.
 * @param {Places} places
 * @param {EnvName} name
 */
function envIsReady(places, name) {
  const env = join(places.toolchain, name);
  // Clones of the repository can share a toolchain, so don't remember the times of this clone's files.
  if (!isFresh(envStamp(env), places.root, [REQUIREMENTS[name]], PLATFORM, { remember: false })) return false;
  const stamp = /** @type {{ base?: unknown }} */ (readStamp(envStamp(env)));
  try {
    return realpathSync(pythonIn(env)) === stamp.base;
  } catch {
    return false;
  }
}

/**
 * The Python environments that a command line needs. The development tools are skipped if the project has no list of them.
 * @param {import('./args.cjs').LauncherArgs} args
 * @param {Places} places
 * @returns {EnvName[]}
 */
function envsFor(args, places) {
  /** @type {EnvName[]} */
  const envs = [];
  if (args.needsPython) envs.push('python');
  if (args.needsMetricFlow) envs.push('metrics');
  if (args.needsDevTools && existsSync(join(places.root, REQUIREMENTS.dev))) envs.push('dev');
  return envs;
}

module.exports = {
  CLI_INPUTS,
  PACKAGE_INPUTS,
  PLATFORM,
  REQUIREMENTS,
  cliIsReady,
  cliStamp,
  envIsReady,
  envStamp,
  envsFor,
  packagesAreReady,
  packagesStamp,
  pythonIn,
};
