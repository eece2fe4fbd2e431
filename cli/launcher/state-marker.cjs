'use strict';
const { mkdirSync, readdirSync, statSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

/** The name and the first line follow a convention of backup programs (https://bford.info/cachedir/). */
const MARKER = 'CACHEDIR.TAG';
const SIGNATURE = 'Signature: 8a477f597d28d172789f06886806bc55';
const TEXT = `${SIGNATURE}\n# Created by meetup. Everything in this folder can be recreated, and \`meetup clean\` removes it.\n`;

/**
 * Creates the state folder and marks it as meetup's own, so that `clean` may remove it. A folder with other content is used
 * without a marker. If it isn't writable, the command will report that with a better message.
 * @param {string} state
 */
function markState(state) {
  const marker = join(state, MARKER);
  try {
    if (statSync(marker, { throwIfNoEntry: false })) return;
    mkdirSync(state, { recursive: true });
    if (readdirSync(state).length === 0) mark(state, marker);
  } catch {}
}

/** @param {string} state @param {string} marker */
function mark(state, marker) {
  writeFileSync(marker, TEXT, { flag: 'wx' });
  // Git ignores the folder, whatever the project's own .gitignore says.
  writeFileSync(join(state, '.gitignore'), '*\n');
}

module.exports = { MARKER, SIGNATURE, markState };
