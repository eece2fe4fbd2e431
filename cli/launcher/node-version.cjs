// biome-ignore-all lint/suspicious/noVar: an old Node must be able to parse this file, so that it can report that it is too old
// biome-ignore-all lint/style/useTemplate: for the same reason
'use strict';

/** The same as `engines` in package.json; a test compares the two. */
var OLDEST = { major: 20, minor: 20 };

/**
 * @param {string} version such as 18.19.1
 * @returns {string | undefined} the message if Node is too old
 */
function tooOld(version) {
  var parts = version.split('.').map(Number);
  var major = parts[0] || 0;
  var minor = parts[1] || 0;
  if (major > OLDEST.major || (major === OLDEST.major && minor >= OLDEST.minor)) return undefined;
  return (
    'meetup needs Node ' +
    OLDEST.major +
    '.' +
    OLDEST.minor +
    ' or newer, and ' +
    process.execPath +
    ' is Node ' +
    version +
    ': install a newer one (https://nodejs.org) and try again.'
  );
}

module.exports = { OLDEST: OLDEST, tooOld: tooOld };
