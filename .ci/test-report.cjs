'use strict';
const { readFileSync } = require('node:fs');

/**
 * Reads the output of `./meetup test --all --json`: `test-report.cjs counts FILE` or `test-report.cjs slowest FILE`.
 * @typedef {{ name: string, status: 'pass' | 'fail' | 'skip', ms: number, message?: string }} Test
 */
const SHOWN = 10;

const [, , wanted, file = ''] = process.argv;
const tests = readTests(file);
if (wanted === 'counts') count(tests);
else slowest(tests);

/**
 * @param {string} file
 * @returns {Test[]} none if the tests did not run
 */
function readTests(file) {
  const text = readFileSync(file, 'utf8').trim();
  return (text && JSON.parse(text).tests) || [];
}

/**
 * Prints how many passed and failed on stdout, and what failed on stderr.
 * @param {Test[]} tests
 */
function count(tests) {
  const failed = tests.filter(({ status }) => status === 'fail');
  for (const { name, message = '' } of failed) console.error(`FAILED ${name}\n${message}`);
  for (const { name } of tests.filter(({ status }) => status === 'skip')) console.error(`skipped ${name}`);
  console.log(tests.filter(({ status }) => status === 'pass').length, failed.length);
}

/** @param {Test[]} tests */
function slowest(tests) {
  if (tests.length === 0) return;
  /** @type {Map<string, number>} */
  const files = new Map();
  for (const { name, ms } of tests) {
    const file = name.split(' > ')[0] ?? name;
    files.set(file, (files.get(file) ?? 0) + ms);
  }
  show(
    'slowest tests',
    tests.map(({ name, ms }) => [name, ms]),
  );
  show('slowest files', [...files]);
}

/**
 * @param {string} title
 * @param {[name: string, ms: number][]} times
 */
function show(title, times) {
  console.log(`\n== ${title}`);
  const longest = times.sort(([, a], [, b]) => b - a).slice(0, SHOWN);
  for (const [name, ms] of longest) console.log(`${(ms / 1000).toFixed(1).padStart(7)} s  ${name}`);
}
