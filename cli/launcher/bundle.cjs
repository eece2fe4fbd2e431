'use strict';
const { join } = require('node:path');

/** Where the sources of the dashboard's pages are, and where their bundle goes below dist. */
const CLIENT = 'cli/src/dashboard/client';
const ASSETS = 'dashboard/assets';

/**
 * Bundles the script and the style of the dashboard's pages, with the charting library, so that a page fetches nothing from
 * elsewhere.
 * @param {{ root: string, dist: string }} folders
 */
async function bundleClient({ root, dist }) {
  // A development dependency, which an installed package doesn't need: its bundle is there.
  const { build } = require('esbuild');
  await build({
    absWorkingDir: root,
    entryPoints: ['main.ts', 'client.css'].map((name) => ({ in: join(CLIENT, name), out: 'client' })),
    outdir: join(dist, ASSETS),
    bundle: true,
    minify: true,
    format: 'esm',
    target: ['chrome111', 'firefox113', 'safari16.4'],
    legalComments: 'none',
    logLevel: 'silent',
    tsconfigRaw: '{}',
  });
}

module.exports = { CLIENT, bundleClient };
