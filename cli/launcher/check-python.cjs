#!/usr/bin/env node
'use strict';
const { spawnSync } = require('node:child_process');
const { readdirSync } = require('node:fs');
const { dirname, join } = require('node:path');
const { readArgs } = require('./args.cjs');
const { report } = require('./errors.cjs');
const { placesOf } = require('./places.cjs');
const { envIsReady, pythonIn } = require('./ready.cjs');

/**
 * Checks the project's Python code: `npm run check:python`, and with `--fix`, `npm run fix:python`. Missing environments are
 * installed first. Nothing is installed into the environment that runs dbt: mypy reads dbt's types from there, and pytest runs
 * there (see cli/test/python/run_pytest.py); both find the other packages through a search path.
 * Further arguments are passed to pytest, which then runs alone: `npm run check:python -- -k wire`.
 * @typedef {{ name: string, command: string, args: string[], env?: NodeJS.ProcessEnv }} Check
 */

/**
 * @param {import('./places.cjs').Places} places
 * @param {readonly string[]} argv
 * @returns {Check[]}
 */
function checksFor(places, argv) {
  const dev = join(places.toolchain, 'dev');
  const tools = dirname(pythonIn(dev));
  const python = pythonIn(join(places.toolchain, 'python'));
  const ruff = join(tools, 'ruff');
  const pytest = (/** @type {readonly string[]} */ args) => ({
    name: 'pytest',
    command: python,
    args: [join('cli', 'test', 'python', 'run_pytest.py'), packagesIn(dev), ...args],
  });
  if (argv.includes('--fix')) {
    return [
      { name: 'ruff check', command: ruff, args: ['check', '--fix', '--quiet'] },
      { name: 'ruff format', command: ruff, args: ['format', '--quiet'] },
    ];
  }
  if (argv.length > 0) return [pytest(argv)];
  return [
    { name: 'ruff check', command: ruff, args: ['check', '--quiet', '--output-format', 'concise'] },
    { name: 'ruff format', command: ruff, args: ['format', '--check', '--quiet'] },
    {
      name: 'mypy',
      command: join(tools, 'mypy'),
      args: ['--python-executable', python],
      env: { ...process.env, PYTHONPATH: packagesIn(dev) },
    },
    pytest([]),
  ];
}

/**
 * The folder of an environment's packages.
 * @param {string} env
 */
function packagesIn(env) {
  if (process.platform === 'win32') return join(env, 'Lib', 'site-packages');
  const python = readdirSync(join(env, 'lib')).find((name) => name.startsWith('python')) ?? 'python3';
  return join(env, 'lib', python, 'site-packages');
}

/** @param {readonly string[]} argv */
async function main(argv) {
  const args = readArgs([]);
  try {
    const places = placesOf(args, process.env, process.cwd());
    /** @type {import('./ready.cjs').EnvName[]} */
    const envs = ['python', 'dev'];
    if (!envs.every((name) => envIsReady(places, name))) await require('./setup.cjs').setUp({ args, places, envs });
    const failed = checksFor(places, argv).filter((check) => !passes(check, places));
    process.exitCode = failed.length === 0 ? 0 : 1;
  } catch (error) {
    process.exitCode = report(error, args);
  }
}

/** @param {Check} check @param {import('./places.cjs').Places} places */
function passes({ name, command, args, env }, places) {
  const { status, error } = spawnSync(command, args, { cwd: places.root, stdio: 'inherit', env: env ?? process.env });
  process.stdout.write(`${name}: ${status === 0 ? 'passed' : `FAILED${error ? ` (${error.message})` : ''}`}\n`);
  return status === 0;
}

main(process.argv.slice(2));
