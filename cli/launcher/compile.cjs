'use strict';
const { copyFileSync, existsSync, mkdirSync } = require('node:fs');
const { dirname, join } = require('node:path');
const { CLIENT, bundleClient } = require('./bundle.cjs');
const { Log, run } = require('./child.cjs');
const { SetupError, aboutFiles, isAboutFiles } = require('./errors.cjs');
const { CLI_INPUTS, cliStamp } = require('./ready.cjs');
const { listFiles, takeStamp, writeStamp } = require('./stamp.cjs');
const { replaceFolder } = require('./swap.cjs');

const SOURCES = 'cli/src';

/** @param {import('./places.cjs').Places} places */
const compiler = (places) => join(places.nodeModules, 'typescript', 'bin', 'tsc');

/** @param {import('./places.cjs').Places} places */
const compilerIsThere = (places) => existsSync(compiler(places));

/**
 * Compiles cli/src into a temporary folder that then replaces dist.
 * @param {import('./setup.cjs').Site} site
 */
async function makeCli(site) {
  try {
    await site.progress.step('Compiling the command line', () => compile(site));
  } catch (error) {
    throw isAboutFiles(error) ? new SetupError(aboutFiles('The command line', error), error) : error;
  }
}

/** @param {import('./setup.cjs').Site} site */
async function compile({ places, env, signal, lock }) {
  const stamp = takeStamp(places.root, CLI_INPUTS, '');
  const folder = join(places.workshop, `dist-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  const log = new Log(places.logs, 'compile');
  try {
    // Types are checked in CI; starting meetup shouldn't wait for that.
    const args = [compiler(places), '-p', 'tsconfig.build.json', '--outDir', folder, '--noCheck'];
    const result = await run({ command: process.execPath, args, cwd: places.root, env, signal, log, lock });
    if (result.code !== 0) {
      const first = result.output.split('\n').find((line) => line.includes('error TS')) ?? result.output.trim();
      throw new SetupError(`The command line can't be compiled: ${first.trim()}${log.hint}.`);
    }
  } finally {
    log.close();
  }
  copyAssets(places.root, folder);
  await bundle(places.root, folder);
  writeStamp(cliStamp(folder), stamp);
  await replaceFolder(folder, places.dist, places.workshop);
}

/**
 * @param {string} root
 * @param {string} dist
 */
async function bundle(root, dist) {
  // Tests of the launcher compile projects that have no dashboard.
  if (!existsSync(join(root, CLIENT))) return;
  try {
    await bundleClient({ root, dist });
  } catch (error) {
    const first = error instanceof Error ? error.message.split('\n').slice(0, 2).join(' ') : String(error);
    throw new SetupError(`The dashboard's pages can't be bundled: ${first}.`);
  }
}

/**
 * Copies files that are not TypeScript, such as Python programs.
 * @param {string} root
 * @param {string} folder
 */
function copyAssets(root, folder) {
  for (const path of listFiles(root, [SOURCES])) {
    if (/\.[cm]?tsx?$/.test(path) || path.startsWith(`${CLIENT}/`)) continue;
    const target = join(folder, path.slice(SOURCES.length + 1));
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(join(root, path), target);
  }
}

module.exports = { compilerIsThere, makeCli };
