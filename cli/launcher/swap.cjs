'use strict';
const { cpSync, existsSync, renameSync, rmSync } = require('node:fs');
const { rm } = require('node:fs/promises');
const { basename, join } = require('node:path');
const { codeOf } = require('./errors.cjs');

/**
 * Replaces a folder by a finished one, so that there is never an incomplete folder at that place.
 * @param {string} finished
 * @param {string} place
 * @param {string} workshop where the old one is moved to be removed
 */
async function replaceFolder(finished, place, workshop) {
  const old = join(workshop, `old-${basename(place)}-${process.pid}`);
  const hadOne = moveAway(place, old);
  try {
    move(finished, place);
  } catch (error) {
    if (hadOne && !existsSync(place)) move(old, place);
    throw error;
  }
  await rm(old, { recursive: true, force: true });
}

/** @param {string} from @param {string} to */
function moveAway(from, to) {
  try {
    move(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** @param {string} from @param {string} to */
function move(from, to) {
  try {
    renameSync(from, to);
  } catch (error) {
    if (codeOf(error) !== 'EXDEV') throw error;
    // The workshop is on another disk: copy to a temporary folder next to the place first, so that the last step is a rename.
    const beside = `${to}.${process.pid}.tmp`;
    cpSync(from, beside, { recursive: true, verbatimSymlinks: true });
    renameSync(beside, to);
    rmSync(from, { recursive: true, force: true });
  }
}

module.exports = { replaceFolder };
