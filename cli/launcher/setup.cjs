'use strict';
const { readdirSync } = require('node:fs');
const { rm } = require('node:fs/promises');
const { join } = require('node:path');
const { makeCli, compilerIsThere } = require('./compile.cjs');
const { Interrupted } = require('./errors.cjs');
const { takeLock } = require('./lock.cjs');
const { makeNodePackages } = require('./node-packages.cjs');
const { Progress } = require('./progress.cjs');
const { makeEnv } = require('./python-env.cjs');
const { cliIsReady, envIsReady, packagesAreReady } = require('./ready.cjs');
const { markState } = require('./state-marker.cjs');

/**
 * @typedef {object} Site what every step of the set-up needs
 * @property {import('./places.cjs').Places} places
 * @property {NodeJS.ProcessEnv} env
 * @property {AbortSignal} signal
 * @property {InstanceType<typeof Progress>} progress
 * @property {Awaited<ReturnType<typeof takeLock>>} lock
 */

/**
 * Sets up what is missing. The Python environment and the Node packages are installed in parallel, because one can work while the
 * other waits for the network. Whatever happens, the next call starts from a consistent state.
 * @param {{ args: { quiet: boolean }, places: import('./places.cjs').Places, envs: import('./ready.cjs').EnvName[] }} wanted
 */
async function setUp({ args, places, envs }) {
  markState(places.state);
  const progress = new Progress(process.stderr, { quiet: args.quiet, env: process.env });
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  for (const signal of SIGNALS) process.on(signal, interrupt);
  /** @param {string} folder @param {(site: Site) => Promise<void>} work */
  const at = async (folder, work) => {
    const lock = await lockWithPatience(folder, stop.signal, progress);
    try {
      await work({ places, env: process.env, signal: stop.signal, progress, lock });
    } finally {
      lock.release();
    }
  };
  try {
    const parts = [];
    // A part that is ready needs no lock, and therefore no writable folder.
    if (!places.installed && (!packagesAreReady(places) || !cliIsReady(places)))
      parts.push(() => at(places.workshop, setUpNode));
    if (!envs.every((name) => envIsReady(places, name))) {
      parts.push(() => at(join(places.toolchain, 'setup'), (site) => setUpPython(site, envs)));
    }
    await allOrFirstError(stop, parts);
  } finally {
    progress.stop();
    for (const signal of SIGNALS) process.off(signal, interrupt);
  }
}

/** @type {NodeJS.Signals[]} */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** @param {string} folder @param {AbortSignal} signal @param {InstanceType<typeof Progress>} progress */
async function lockWithPatience(folder, signal, progress) {
  let waited = () => 0;
  try {
    return await takeLock(folder, signal, (pid) => {
      waited = progress.begin(`Waiting for meetup process ${pid}, which is setting up the same folder`);
    });
  } finally {
    waited();
  }
}

/** @param {Site} site */
async function setUpNode(site) {
  const { places } = site;
  await removeLeftovers(places.workshop);
  try {
    // Check again under the lock: its previous owner may have done the work.
    if (!packagesAreReady(places) || !compilerIsThere(places)) await makeNodePackages(site);
    if (!cliIsReady(places)) await makeCli(site);
  } finally {
    await removeLeftovers(places.workshop);
  }
}

/** @param {Site} site @param {import('./ready.cjs').EnvName[]} envs */
async function setUpPython(site, envs) {
  for (const name of envs) if (!envIsReady(site.places, name)) await makeEnv(site, name);
}

/**
 * Removes what this setup no longer needs, and what killed ones left behind.
 * @param {string} workshop
 */
async function removeLeftovers(workshop) {
  for (const name of readdirSync(workshop)) {
    if (!/^lock\.\d+$/.test(name)) await rm(join(workshop, name), { recursive: true, force: true, maxRetries: 5 });
  }
}

/**
 * Runs the parts in parallel. If one fails, the others are stopped, and its error is thrown.
 * @param {AbortController} stop
 * @param {readonly (() => Promise<void>)[]} parts
 */
async function allOrFirstError(stop, parts) {
  /** @type {unknown[]} */
  const errors = [];
  await Promise.all(
    parts.map(async (part) => {
      try {
        await part();
      } catch (error) {
        errors.push(error);
        stop.abort();
      }
    }),
  );
  const telling = errors.find((error) => !(error instanceof Interrupted));
  if (errors.length > 0 || stop.signal.aborted) throw telling ?? new Interrupted();
}

module.exports = { setUp };
