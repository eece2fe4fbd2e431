#!/usr/bin/env node
'use strict';
const { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { readArgs } = require('./args.cjs');
const { report } = require('./errors.cjs');
const { placesOf } = require('./places.cjs');
const { cliIsReady, packagesAreReady } = require('./ready.cjs');

/** Makes what `npm pack` puts into the package and a checkout makes at its first start: the compiled CLI and the models' tests. */
async function prepack() {
  const args = readArgs(['completion']);
  try {
    const places = placesOf(args, {}, process.cwd());
    const ready = packagesAreReady(places) && cliIsReady(places);
    if (!ready) await require('./setup.cjs').setUp({ args, places, envs: [] });
    compileModelTests(places);
  } catch (error) {
    process.exitCode = report(error, args);
  }
}

/**
 * The vitest files that list unit tests and scenarios lie beside cli/src; in the package they lie in dist.
 * @param {import('./places.cjs').Places} places
 */
function compileModelTests({ root, dist }) {
  /** @type {{ transformSync(code: string, options: object): { code: string } }} */
  const swc = require('@swc/core');
  const from = join(root, 'cli', 'model-tests');
  const to = join(dist, 'model-tests');
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to);
  for (const name of readdirSync(from)) {
    const { code } = swc.transformSync(readFileSync(join(from, name), 'utf8'), {
      jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
      module: { type: 'es6' },
      isModule: true,
    });
    // In an installed package nothing transforms them; `meetup test` tells vitest itself which files to watch.
    const plain = code.replace(/^import\.meta\.glob\([^)]*\);$/gm, '');
    const text = plain.replace(/(['"])\.\.\/src\/([^'"]+)\.ts\1/g, '$1../$2.js$1');
    writeFileSync(join(to, name.replace(/\.ts$/, '.js')), text);
  }
}

prepack();
