'use strict';
const { existsSync, lstatSync, mkdirSync, readlinkSync, readdirSync, realpathSync, renameSync, rmSync, symlinkSync } =
  require('node:fs');
const { rm } = require('node:fs/promises');
const { basename, join } = require('node:path');
const { Log, failure, run } = require('./child.cjs');
const { SetupError, aboutFiles, isAboutFiles } = require('./errors.cjs');
const { findPython, plainPython } = require('./python-finder.cjs');
const { PLATFORM, REQUIREMENTS, envStamp, pythonIn } = require('./ready.cjs');
const { takeStamp, writeStamp } = require('./stamp.cjs');
const { findUv, makeHelper } = require('./uv.cjs');

/** @typedef {import('./setup.cjs').Site} Site */
/** @typedef {import('./ready.cjs').EnvName} EnvName */
/** @typedef {(command: string, args: readonly string[]) => Promise<{ code: number, output: string }>} Run */

/** @type {Record<EnvName, { what: string, step: string }>} */
const WORDS = {
  python: { what: 'The Python packages for dbt', step: 'Installing dbt' },
  metrics: { what: 'The Python packages for metrics', step: 'Installing MetricFlow' },
  landing: { what: 'The Python packages for landed files', step: 'Installing the packages for landed files' },
  clients: { what: 'The clients of Databricks', step: 'Installing clients of Databricks' },
  go: { what: 'Go', step: 'Installing Go' },
  dev: { what: "The project's own checking tools", step: "Installing the project's own checking tools" },
};

/**
 * Creates a Python environment with exactly the packages in a requirements file, and verifies their hashes. An environment
 * can't be moved, so each has its own folder below `envs`, and a link with a fixed name is switched atomically at the end. The
 * previous environment is kept until the next one, because a running dbt may still use it.
 * @param {Site} site
 * @param {EnvName} name
 */
async function makeEnv(site, name) {
  const { places } = site;
  const { what, step } = WORDS[name];
  if (!existsSync(join(places.root, REQUIREMENTS[name]))) {
    throw new SetupError(`${what} can't be installed because ${join(places.root, REQUIREMENTS[name])} is missing.`);
  }
  const log = new Log(places.logs, `python-${name}`);
  try {
    await site.progress.step(step, () => install(site, name, log));
  } catch (error) {
    throw isAboutFiles(error) ? new SetupError(aboutFiles(what, error), error) : error;
  } finally {
    log.close();
  }
}

/** @param {Site} site @param {EnvName} name @param {InstanceType<typeof Log>} log */
async function install(site, name, log) {
  const { places } = site;
  const stamp = takeStamp(places.root, [REQUIREMENTS[name]], PLATFORM);
  const link = join(places.toolchain, name);
  await removeOldEnvs(places.toolchain, name);
  const env = join(places.toolchain, 'envs', `${name}-${Date.now().toString(36)}`);
  mkdirSync(join(places.toolchain, 'envs'), { recursive: true });
  const version = await fill(site, env, name, log);
  writeStamp(
    envStamp(env),
    /** @type {import('./stamp.cjs').Stamp} */ ({
      ...stamp,
      python: version.join('.'),
      base: realpathSync(pythonIn(env)),
    }),
  );
  turnLink(link, env);
}

/**
 * Installs with uv if there is one, else with uv from a helper environment, or with pip if uv isn't available for this machine.
 * @param {Site} site @param {string} env @param {EnvName} name @param {InstanceType<typeof Log>} log
 */
async function fill(site, env, name, log) {
  const { places, signal, lock } = site;
  const tools = { env: toolEnvironment(site.env), signal, log, lock, root: places.root };
  /** @type {Run} */
  const call = (command, args) => run({ ...tools, command, args, cwd: places.root });
  /** @param {string} tool @param {{ code: number, output: string }} result */
  const must = (tool, result) => {
    if (result.code !== 0) throw failure(WORDS[name].what, tool, result, log);
  };
  const requirements = join(places.root, REQUIREMENTS[name]);
  const present = await findUv(call, places.toolchain);
  // Without uv, venv and pip are needed, which not every Python has.
  const python = await findPython(tools, ({ makesEnvironments }) => present !== undefined || makesEnvironments);
  const helper = present === undefined ? await makeHelper(call, must, python.executable, places) : { uv: present };
  if (helper.uv !== undefined) {
    must('uv', await call(helper.uv, ['venv', '--no-project', '--python', python.executable, env]));
    const options = ['--require-hashes', '--python', pythonIn(env)];
    must('uv', await call(helper.uv, ['pip', 'install', ...options, '-r', requirements]));
  } else {
    must('Python', await call(python.executable, ['-m', 'venv', '--without-pip', env]));
    const options = ['install', '--require-hashes', '--no-compile', '--retries', '2', '-r', requirements];
    must('pip', await call(helper.python, ['-m', 'pip', '--python', pythonIn(env), ...options]));
  }
  // Halves the time of dbt's first start. Errors are ignored: files that don't compile are never loaded.
  await call(pythonIn(env), ['-m', 'compileall', '-q', '-j', '0', '-x', SELDOM_LOADED, join(env, LIBRARIES)]);
  return python.version;
}

const LIBRARIES = process.platform === 'win32' ? 'Lib' : 'lib';
/** Half of all files, needed at most for Databricks: Python compiles them on first use. */
const SELDOM_LOADED = '[/\\\\](tests?|testing|pandas|numpy|pyarrow|databricks|openpyxl)[/\\\\]';

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv}
 */
function toolEnvironment(env) {
  return {
    ...plainPython(env),
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
    PIP_NO_INPUT: '1',
    PIP_USER: '0',
    PIP_PROGRESS_BAR: 'off',
    UV_NO_PROGRESS: '1',
    UV_PYTHON_DOWNLOADS: 'never',
    // Like pip: a company's own certificates are in the system's store.
    UV_SYSTEM_CERTS: env.UV_SYSTEM_CERTS ?? 'true',
    // A mirror that is configured for pip applies to uv too.
    ...(env.PIP_INDEX_URL && !env.UV_INDEX_URL && !env.UV_DEFAULT_INDEX ? { UV_DEFAULT_INDEX: env.PIP_INDEX_URL } : {}),
  };
}

/**
 * Removes unfinished environments, and those older than the previous one.
 * @param {string} toolchain
 * @param {EnvName} name
 */
async function removeOldEnvs(toolchain, name) {
  const envs = join(toolchain, 'envs');
  if (!existsSync(envs)) return;
  const present = linkedEnv(join(toolchain, name));
  for (const entry of readdirSync(envs)) {
    if (entry.startsWith(`${name}-`) && entry !== present) {
      await rm(join(envs, entry), { recursive: true, force: true, maxRetries: 5 });
    }
  }
}

/** @param {string} link */
function linkedEnv(link) {
  try {
    return basename(readlinkSync(link));
  } catch {
    return undefined;
  }
}

/** @param {string} link @param {string} env */
function turnLink(link, env) {
  const temporary = `${link}.${process.pid}.tmp`;
  rmSync(temporary, { force: true });
  symlinkSync(env, temporary, 'junction');
  const stats = lstatSync(link, { throwIfNoEntry: false });
  // A folder can't be replaced by a link atomically, nor can a junction on Windows.
  if (stats?.isDirectory()) renameSync(link, `${env}-before`);
  else if (stats && process.platform === 'win32') rmSync(link);
  renameSync(temporary, link);
}

module.exports = { makeEnv };
