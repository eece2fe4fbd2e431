#!/usr/bin/env node
// biome-ignore-all lint/suspicious/noVar: an old Node must be able to parse this file, so that it can report that it is too old
// biome-ignore-all lint/complexity/useArrowFunction: for the same reason
// biome-ignore-all lint/complexity/useOptionalChain: for the same reason
// biome-ignore-all lint/style/useTemplate: for the same reason
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
