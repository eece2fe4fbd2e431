#!/usr/bin/env node
// biome-ignore-all lint/suspicious/noVar: an old Node must be able to read this file, to be told that it is too old
// biome-ignore-all lint/complexity/useArrowFunction: likewise
// biome-ignore-all lint/complexity/useOptionalChain: likewise
// biome-ignore-all lint/style/useTemplate: likewise
'use strict';

var oldNode = require('./node-version.cjs').tooOld(process.versions.node);
if (oldNode) {
  process.stderr.write('Error: ' + oldNode + '\n');
  if (process.argv.indexOf('--json') !== -1) {
    process.stdout.write(JSON.stringify({ status: 'error', error: oldNode }) + '\n');
  }
  process.exitCode = 2;
} else {
  require('./start.cjs').start(process.argv.slice(2));
}
