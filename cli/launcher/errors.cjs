'use strict';
const { rmSync } = require('node:fs');
const { join } = require('node:path');

/** A known failure: its message is one plain sentence that says what is wrong, where, and what to do. */
class SetupError extends Error {
  /** @param {string} message @param {unknown} [cause] */
  constructor(message, cause) {
    super(message, { cause });
    this.name = 'SetupError';
  }
}

/** Ctrl-C, or another part of the set-up that failed. */
class Interrupted extends Error {
  constructor() {
    super('Interrupted.');
    this.name = 'Interrupted';
  }
}

/**
 * Reports the error on stderr and, with --json, also on stdout.
 * @param {unknown} error
 * @param {{ json: boolean, verbose: boolean }} args
 * @returns {number} the exit code
 */
function report(error, args) {
  if (error instanceof Interrupted) {
    process.stderr.write('Interrupted.\n');
    return 130;
  }
  const message = error instanceof Error ? error.message : String(error);
  const known = error instanceof SetupError || isAboutFiles(error);
  const sentence =
    error instanceof SetupError
      ? message
      : known
        ? aboutFiles('meetup', error)
        : `Internal error in meetup: ${message} (--verbose shows the stack trace).`;
  if (args.json) process.stdout.write(`${JSON.stringify({ status: 'error', error: sentence })}\n`);
  process.stderr.write(`${colour('Error:')} ${sentence}\n`);
  if (args.verbose && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return 2;
}

/** @param {string} text */
function colour(text) {
  const { NO_COLOR, CI, TERM } = process.env;
  return process.stderr.isTTY && !NO_COLOR && !CI && TERM !== 'dumb' ? `\x1b[31m${text}\x1b[39m` : text;
}

/**
 * Removes the stamps if a package or compiled file is missing that they cover, so that the next start restores it.
 * @param {unknown} error
 * @param {import('./places.cjs').Places} places
 * @returns {unknown}
 */
function damaged(error, places) {
  if (codeOf(error) !== 'ERR_MODULE_NOT_FOUND') return error;
  const { cliStamp, packagesStamp } = require('./ready.cjs');
  for (const path of [cliStamp(places.dist), packagesStamp(places), join(places.nodeModules, '.package-lock.json')]) {
    rmSync(path, { force: true });
  }
  return new SetupError(
    'Files that meetup needs are missing from node_modules or dist: run it again to restore them.',
    error,
  );
}

/** @param {unknown} error */
function codeOf(error) {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** @param {unknown} error */
function isAboutFiles(error) {
  return ['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM', 'ENOTDIR'].includes(String(codeOf(error)));
}

/**
 * @param {string} what such as "The Node packages"
 * @param {unknown} error of the file system
 */
function aboutFiles(what, error) {
  const path = error instanceof Error && 'path' in error ? ` ${error.path}` : '';
  const code = String(codeOf(error));
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return `${what} can't be set up because the disk is full (writing${path}): free some space and try again.`;
  }
  return `${what} can't be set up because${path} can't be written (${code}): make it writable and try again.`;
}

module.exports = { Interrupted, SetupError, aboutFiles, codeOf, damaged, isAboutFiles, report };
