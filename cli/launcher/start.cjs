'use strict';
const { join } = require('node:path');
const { readArgs } = require('./args.cjs');
const { placesOf } = require('./places.cjs');
const { cliIsReady, envIsReady, envsFor, packagesAreReady } = require('./ready.cjs');
const { markState } = require('./state-marker.cjs');

/**
 * Sets up what is missing, then runs the CLI in the same process. If nothing is missing, this does no work.
 * @param {readonly string[]} argv
 */
async function start(argv) {
  const args = readArgs(argv);
  try {
    const places = placesOf(args, process.env, process.cwd());
    const envs = envsFor(args, places);
    const isCompiled = places.installed || (packagesAreReady(places) && cliIsReady(places));
    const ready = isCompiled && envs.every((name) => envIsReady(places, name));
    if (!ready) await require('./setup.cjs').setUp({ args, places, envs });
    if (args.writesState) markState(places.state);
    await becomeCli(places);
  } catch (error) {
    process.exitCode = require('./errors.cjs').report(error, args);
  }
}

/** @param {import('./places.cjs').Places} places */
async function becomeCli(places) {
  const main = join(places.dist, 'main.js');
  // Node 22 and later cache compiled code next to the CLI, which makes the next start faster.
  const { enableCompileCache } = /** @type {{ enableCompileCache?: (folder: string) => unknown }} */ (
    require('node:module')
  );
  enableCompileCache?.(join(places.dist, '.compile-cache'));
  try {
    await import(require('node:url').pathToFileURL(main).href);
  } catch (error) {
    throw require('./errors.cjs').damaged(error, places);
  }
}

module.exports = { start };
