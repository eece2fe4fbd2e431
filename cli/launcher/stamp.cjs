'use strict';
const { readFileSync, readdirSync, renameSync, statSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

/**
 * A stamp says from what something was made: it is written last, so what has no stamp is not whole.
 * A file counts as unchanged when its size and time are, or, where only the time differs, when its content is.
 * @typedef {object} Stamp
 * @property {string} note what else it depends on, such as the platform
 * @property {Record<string, [size: number, mtimeMs: number, sha256: string]>} files by path from the root
 */

/**
 * Whether what carries the stamp is still what its inputs would give. Reads contents only where times differ.
 * @param {string} stampFile
 * @param {string} root
 * @param {readonly string[]} inputs files and folders below the root; one that is missing counts as absent
 * @param {string} note
 * @param {{ remember?: boolean }} [options] whether to note new times of unchanged contents, so that the next look is cheap
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
 * The inputs as they are now. Taken before the work starts, so that a change during the work shows as a difference.
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
 * Atomic: the stamp is there whole, or not at all.
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
 * The files among and below the inputs, without what editors and Python leave beside them.
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
  // Loaded only here: a start with nothing changed needs no hashes.
  const { createHash } = require('node:crypto');
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/**
 * A folder that can't be written keeps its old times; the contents were compared all the same.
 * @param {string} stampFile
 * @param {Stamp} stamp
 */
function tryToWrite(stampFile, stamp) {
  try {
    writeStamp(stampFile, stamp);
  } catch {}
}

module.exports = { isFresh, takeStamp, writeStamp, readStamp, listFiles };
