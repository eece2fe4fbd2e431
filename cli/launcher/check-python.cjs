#!/usr/bin/env node
'use strict';
const { spawnSync } = require('node:child_process');
const { dirname, join } = require('node:path');
const { readArgs } = require('./args.cjs');
const { report } = require('./errors.cjs');
const { placesOf } = require('./places.cjs');
const { envIsReady, pythonIn } = require('./ready.cjs');

/**
 * Checks the project's Python: `npm run check:python`, and with `--fix`, `npm run fix:python`. What is missing of the
 * environments is installed first. The environment that runs dbt stays as it is: mypy reads dbt's types from it, and
 * pytest runs in it (see cli/test/python/run_pytest.py). Further arguments go to pytest, which then runs alone:
 * `npm run check:python -- -k wire`.
 * @typedef {{ name: string, command: string, args: string[] }} Check
 */

/**
 * @param {import('./places.cjs').Places} places
 * @param {readonly string[]} argv
 * @returns {Check[]}
 */
function checksFor(places, argv) {
  const tools = dirname(pythonIn(join(places.toolchain, 'dev')));
  const python = pythonIn(join(places.toolchain, 'python'));
  const ruff = join(tools, 'ruff');
  const pytest = (/** @type {readonly string[]} */ args) => ({
    name: 'pytest',
    command: python,
    args: [join('cli', 'test', 'python', 'run_pytest.py'), join(places.toolchain, 'dev'), ...args],
  });
  if (argv.includes('--fix')) {
    return [
      { name: 'ruff check', command: ruff, args: ['check', '--fix', '--quiet'] },
      { name: 'ruff format', command: ruff, args: ['format', '--quiet'] },
    ];
  }
  if (argv.length > 0) return [pytest(argv)];
  return [
    { name: 'ruff check', command: ruff, args: ['check', '--quiet'] },
    { name: 'ruff format', command: ruff, args: ['format', '--check', '--quiet'] },
    { name: 'mypy', command: join(tools, 'mypy'), args: ['--python-executable', python] },
    pytest([]),
  ];
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
function passes({ name, command, args }, places) {
  const { status, error } = spawnSync(command, args, { cwd: places.root, stdio: 'inherit' });
  process.stdout.write(`${name}: ${status === 0 ? 'passed' : `FAILED${error ? ` (${error.message})` : ''}`}\n`);
  return status === 0;
}

main(process.argv.slice(2));
