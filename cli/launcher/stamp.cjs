'use strict';
const { readFileSync, readdirSync, renameSync, statSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

/**
 * A stamp records what something was built from. It is written last, so anything without a stamp is incomplete.
 * A file counts as unchanged if its size and time are the same or, if only the time differs, its content.
 * @typedef {object} Stamp
 * @property {string} note what else it depends on, such as the platform
 * @property {Record<string, [size: number, mtimeMs: number, sha256: string]>} files by path from the root
 */

/**
 * Whether a stamp still matches its inputs. Reads contents only if times differ.
 * @param {string} stampFile
 * @param {string} root
 * @param {readonly string[]} inputs files and folders below the root; one that is missing counts as absent
 * @param {string} note
 * @param {{ remember?: boolean }} [options] whether to record new times of unchanged contents, so that the next check is fast
 */
function isFresh(stampFile, root, inputs, note, { remember = true } = {}) {
  const stamp = readStamp(stampFile);
  if (stamp === undefined || stamp.note !== note) return false;
  const paths = listFiles(root, inputs);
  if (paths.length !== Object.keys(stamp.files).length) return false;
  let touched = false;
  for (const path of paths) {
    const known = stamp.files[path];
    const { size, mtimeMs } = statSync(join(root, path));
    if (known === undefined || known[0] !== size) return false;
    if (known[1] === mtimeMs) continue;
    if (known[2] !== sha256(join(root, path))) return false;
    known[1] = mtimeMs;
    touched = true;
  }
  if (touched && remember) tryToWrite(stampFile, stamp);
  return true;
}

/**
 * A stamp of the current inputs. Taken before the work starts, so that changes during the work are noticed.
 * @param {string} root
 * @param {readonly string[]} inputs
 * @param {string} note
 * @returns {Stamp}
 */
function takeStamp(root, inputs, note) {
  /** @type {Stamp['files']} */
  const files = {};
  for (const path of listFiles(root, inputs)) {
    const { size, mtimeMs } = statSync(join(root, path));
    files[path] = [size, mtimeMs, sha256(join(root, path))];
  }
  return { note, files };
}

/**
 * Writes a stamp atomically.
 * @param {string} stampFile
 * @param {Stamp} stamp
 */
function writeStamp(stampFile, stamp) {
  const temporary = `${stampFile}.${process.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(stamp)}\n`, { flush: true });
  renameSync(temporary, stampFile);
}

/**
 * @param {string} stampFile
 * @returns {Stamp | undefined}
 */
function readStamp(stampFile) {
  try {
    const stamp = JSON.parse(readFileSync(stampFile, 'utf8'));
    return typeof stamp?.note === 'string' && typeof stamp.files === 'object' && stamp.files !== null
      ? stamp
      : undefined;
  } catch {
    return undefined;
  }
}

/**
 * All files in the inputs, without temporary files of editors and Python.
 * @param {string} root
 * @param {readonly string[]} inputs
 * @returns {string[]} paths from the root, with forward slashes
 */
function listFiles(root, inputs) {
  /** @type {string[]} */
  const files = [];
  for (const input of inputs) {
    const stats = statSync(join(root, input), { throwIfNoEntry: false });
    if (stats?.isDirectory()) addFilesBelow(root, input, files);
    else if (stats) files.push(input);
  }
  return files;
}

/**
 * @param {string} root
 * @param {string} folder
 * @param {string[]} files
 */
function addFilesBelow(root, folder, files) {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    if (/^\.|~$|^__pycache__$/.test(entry.name)) continue;
    if (entry.isDirectory()) addFilesBelow(root, `${folder}/${entry.name}`, files);
    else files.push(`${folder}/${entry.name}`);
  }
}

/** @param {string} path */
function sha256(path) {
  // Loaded on demand: a start without changes needs no hashes.
  const { createHash } = require('node:crypto');
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/**
 * Updates a stamp if its folder is writable; if not, contents will be compared again next time.
 * @param {string} stampFile
 * @param {Stamp} stamp
 */
function tryToWrite(stampFile, stamp) {
  try {
    writeStamp(stampFile, stamp);
  } catch {}
}

module.exports = { isFresh, takeStamp, writeStamp, readStamp, listFiles };
