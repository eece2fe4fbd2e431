'use strict';
const { readFileSync } = require('node:fs');

/**
 * Reads what `./meetup test --all --json --junit JUNIT` wrote: `test-report.cjs counts JSON`, or `test-report.cjs slowest JSON JUNIT`.
 * @typedef {{ name: string, status: 'pass' | 'fail' | 'skip', ms: number, message?: string }} Test
 */
const SHOWN = 10;

const [, , wanted, json = '', junit = ''] = process.argv;
const tests = readTests(json);
if (wanted === 'counts') count(tests);
else slowest(tests, readFiles(junit));

/**
 * @param {string} file
 * @returns {Test[]} none if the tests did not run
 */
function readTests(file) {
  const text = readFileSync(file, 'utf8').trim();
  return (text && JSON.parse(text).tests) || [];
}

/**
 * The time of each file from its first hook to its last. The sum of its tests would count concurrent ones several times, and no hooks.
 * @param {string} file
 * @returns {[name: string, ms: number][]}
 */
function readFiles(file) {
  const suites = readFileSync(file, 'utf8').matchAll(/<testsuite name="([^"]*)"[^>]* time="([\d.]+)"/g);
  return [...suites].map(([, name = '', seconds]) => [name, Number(seconds) * 1000]);
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

/**
 * @param {Test[]} tests
 * @param {[name: string, ms: number][]} files
 */
function slowest(tests, files) {
  if (tests.length === 0) return;
  show(
    'slowest tests',
    tests.map(({ name, ms }) => [name, ms]),
    SHOWN,
  );
  show('slowest files', files, 3 * SHOWN);
}

/**
 * @param {string} title
 * @param {[name: string, ms: number][]} times
 * @param {number} shown
 */
function show(title, times, shown) {
  console.log(`\n== ${title}`);
  const longest = times.sort(([, a], [, b]) => b - a).slice(0, shown);
  for (const [name, ms] of longest) console.log(`${(ms / 1000).toFixed(1).padStart(7)} s  ${name}`);
}
