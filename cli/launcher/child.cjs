'use strict';
const { spawn } = require('node:child_process');
const { closeSync, mkdirSync, openSync, writeSync } = require('node:fs');
const { join } = require('node:path');
const { Interrupted, SetupError, codeOf } = require('./errors.cjs');
const { signalGroup } = require('./processes.cjs');

/** How long a child may take to end before it is killed (milliseconds). */
const GRACE_MS = 3_000;
/** How much of the output to keep to explain a failure (characters). */
const KEPT = 200_000;

/**
 * @typedef {object} Task a program to run
 * @property {string} command
 * @property {readonly string[]} args
 * @property {string} cwd
 * @property {NodeJS.ProcessEnv} env
 * @property {AbortSignal} signal
 * @property {Log} log
 * @property {{ addChild(pid: number): void, removeChild(pid: number): void }} lock records the child, so that the next owner can end it
 */

/**
 * Runs a program as the leader of its own process group, so that everything it starts can be ended with it.
 * @param {Task} task
 * @returns {Promise<{ code: number, output: string }>} code 127: there is no such program
 */
function run({ command, args, cwd, env, signal, log, lock }) {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(new Interrupted());
    log.write(`$ ${command} ${args.join(' ')}\n`);
    const shell = process.platform === 'win32' && /^[a-z]+$/i.test(command);
    const child = spawn(command, args, {
      cwd,
      env,
      shell,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
      windowsHide: true,
    });
    const { pid } = child;
    if (pid !== undefined) lock.addChild(pid);
    let output = '';
    /** @param {Buffer} chunk */
    const take = (chunk) => {
      log.write(chunk.toString());
      output = (output + chunk.toString()).slice(-KEPT);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    /** @type {NodeJS.Timeout | undefined} */
    let patience;
    const stop = () => {
      if (pid === undefined) return;
      signalGroup(pid, 'SIGTERM');
      patience = setTimeout(() => signalGroup(pid, 'SIGKILL'), GRACE_MS);
    };
    signal.addEventListener('abort', stop, { once: true });
    const end = () => {
      clearTimeout(patience);
      signal.removeEventListener('abort', stop);
      if (pid !== undefined) lock.removeChild(pid);
    };
    child.on('error', (error) => {
      if (child.pid !== undefined) return;
      end();
      if (['ENOENT', 'EACCES'].includes(String(codeOf(error)))) resolve({ code: 127, output: '' });
      else reject(error);
    });
    child.on('close', (code) => {
      end();
      if (signal.aborted) reject(new Interrupted());
      else resolve({ code: code ?? 128, output });
    });
  });
}

/** A log of the complete output of a step's programs, for details that the error's sentence leaves out. */
class Log {
  /** @type {number | undefined} */
  #file;

  /** @param {string} folder @param {string} name */
  constructor(folder, name) {
    this.path = join(folder, `setup-${name}.log`);
    try {
      mkdirSync(folder, { recursive: true });
      this.#file = openSync(this.path, 'w');
    } catch {
      // Continue without a log: the step itself reports better what can't be written.
    }
  }

  /** @param {string} text */
  write(text) {
    if (this.#file === undefined) return;
    try {
      writeSync(this.#file, withoutSecrets(text));
    } catch {
      this.close();
    }
  }

  close() {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  /** @returns {string} a half-sentence, empty if there is no log */
  get hint() {
    return this.#file === undefined ? '' : ` (full log: ${this.path})`;
  }
}

/**
 * Removes passwords and tokens, which the addresses of registries may contain.
 * @param {string} text
 */
function withoutSecrets(text) {
  return text.replace(/\/\/[^/\s@]+@/g, '//***@').replace(/(_authToken|_password|_auth)(\s*[=:]\s*)\S+/gi, '$1$2***');
}

/**
 * @param {string} what failed, such as "The Node packages"
 * @param {string} tool
 * @param {{ code: number, output: string }} result
 * @param {Log} log
 * @returns {InstanceType<typeof SetupError>} one plain sentence for the usual reasons, or the tool's last output for others
 */
function failure(what, tool, { code, output }, log) {
  const sentence = `${what} can't be installed because ${reason(tool, code, output)}`;
  return new SetupError(`${sentence}${log.hint}.`, output);
}

const NETWORK =
  /ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ERR_SOCKET_TIMEOUT|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH|Connection refused|Connection reset|Connection timed out|operation timed out|Read timed out|ReadTimeout|ConnectTimeout|dns error|Name or service not known|name resolution|nodename nor servname|Network is unreachable|Failed to establish a new connection|error sending request|Could not connect/i;
const FULL = /ENOSPC|EDQUOT|No space left on device|Disk quota exceeded/i;
const UNWRITABLE = /EROFS|EACCES|Read-only file system|Permission denied/i;
const CONTENT = /EINTEGRITY|hash mismatch|DO NOT MATCH THE HASHES/i;
const TLS =
  /SELF_SIGNED_CERT|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|invalid peer certificate|CERTIFICATE_VERIFY_FAILED/i;

/** @param {string} output */
const isAboutNetwork = (output) => NETWORK.test(output);

/** @param {string} tool @param {number} code @param {string} output */
function reason(tool, code, output) {
  if (FULL.test(output)) return 'the disk is full: free some space and try again';
  if (CONTENT.test(output)) {
    return `the files that ${tool} downloaded don't match the hashes in the lock file, so nothing was installed: check the registry and any proxy in between`;
  }
  if (TLS.test(output)) {
    return `${tool} does not trust its registry's certificate: if your network uses its own certificate, set NODE_EXTRA_CA_CERTS and SSL_CERT_FILE to that file and try again`;
  }
  if (isAboutNetwork(output)) {
    const symptom = /E[A-Z]{6,}/.exec(NETWORK.exec(output)?.[0] ?? '')?.[0];
    return `${tool} can't reach its registry${symptom ? ` (${symptom})` : ''}: check the network and its proxy, and try again`;
  }
  if (UNWRITABLE.test(output)) return `${tool} has no permission to write: make the folder writable and try again`;
  const last = lastWords(output);
  return `${tool} failed${last ? `: ${last}` : ` with exit code ${code}`}`;
}

/** @param {string} output */
function lastWords(output) {
  const lines = withoutSecrets(output)
    .split('\n')
    .map((line) => line.replace(/^(npm error|error:|ERROR:|\s|[×╰├│─▶])+/g, '').trim())
    .filter((line) => line !== '' && !/complete log|npm help|^npm warn/i.test(line));
  return (lines.at(-1) ?? '').replace(/[.:]$/, '').slice(0, 300);
}

module.exports = { Log, failure, isAboutNetwork, run, withoutSecrets };
