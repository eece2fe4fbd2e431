'use strict';

/** Options of every command that take a value, so that the value is not mistaken for the command. */
const WITH_VALUE = ['--data', '--state-dir', '--target'];

/**
 * Every command, and what the launcher sets up before it starts. A test compares this table and the options above with the
 * declarations in cli/src/cli, which the launcher can't read because it has to compile them first.
 * `dbt`: it starts dbt, which needs Python; `reads`: it never writes to the state folder, and so doesn't create it.
 * @typedef {{ dbt?: boolean | ((options: readonly string[]) => boolean), reads?: boolean }} Needs
 * @type {Readonly<Record<string, Needs>>}
 */
const COMMANDS = {
  generate: {},
  load: {},
  forget: { dbt: true },
  build: { dbt: true },
  dev: { dbt: true },
  test: { dbt: true },
  query: { reads: true },
  dashboard: {},
  branch: { dbt: true },
  deploy: { dbt: true },
  rollback: { dbt: true },
  pull: { dbt: true },
  diff: { dbt: comparesAWarehouse },
  impact: { dbt: true },
  metrics: { dbt: true },
  mcp: { dbt: true },
  rehearsal: { dbt: true },
  schema: {},
  ci: { dbt: true },
  init: { reads: true },
  doctor: { reads: true },
  clean: { reads: true },
  completion: { reads: true },
  help: { reads: true },
};

/**
 * What the launcher must know about a command line before the CLI, which parses all of it, can start.
 * @typedef {object} LauncherArgs
 * @property {string | undefined} command
 * @property {string | undefined} stateDir
 * @property {boolean} json
 * @property {boolean} quiet
 * @property {boolean} verbose
 * @property {boolean} needsPython whether the command starts dbt
 * @property {boolean} needsMetricFlow whether it asks for the numbers of metrics
 * @property {boolean} needsDevTools whether it runs the tools that check the project itself
 * @property {boolean} writesState
 */

/**
 * @param {readonly string[]} argv without node and the script
 * @returns {LauncherArgs}
 */
function readArgs(argv) {
  const options = optionsBefore(argv, '--');
  const command = commandOf(argv);
  const informs = command === undefined || ['--help', '-h', '--version', '-V'].some((flag) => options.includes(flag));
  const { dbt = false, reads = false } = needsOf(command);
  return {
    command,
    stateDir: optionValue(options, '--state-dir'),
    json: options.includes('--json'),
    quiet: options.includes('--quiet'),
    verbose: options.includes('--verbose'),
    needsPython: !informs && (typeof dbt === 'function' ? dbt(options) : dbt),
    needsMetricFlow: !informs && command === 'metrics' && namesMetrics(argv),
    needsDevTools:
      !informs && ((command === 'test' && options.includes('--all')) || (command === 'ci' && lints(options))),
    writesState: !informs && !reads,
  };
}

/**
 * @param {string | undefined} command
 * @returns {Needs} nothing for an unknown command, which the CLI will reject
 */
const needsOf = (command = '') => (Object.hasOwn(COMMANDS, command) && COMMANDS[command]) || {};

/**
 * @param {readonly string[]} argv
 * @param {string} end
 */
function optionsBefore(argv, end) {
  const at = argv.indexOf(end);
  return at === -1 ? argv : argv.slice(0, at);
}

/** @param {readonly string[]} argv */
function commandOf(argv) {
  for (let i = 0; i < argv.length; i += 1) {
    const word = argv[i] ?? '';
    if (WITH_VALUE.includes(word)) i += 1;
    else if (!word.startsWith('-')) return word;
  }
  return undefined;
}

/**
 * The last value given, as for commander.
 * @param {readonly string[]} argv
 * @param {string} option
 */
function optionValue(argv, option) {
  /** @type {string | undefined} */
  let value;
  for (const [i, word] of argv.entries()) {
    if (word === option) value = argv[i + 1];
    else if (word.startsWith(`${option}=`)) value = word.slice(option.length + 1);
  }
  return value;
}

/** @param {readonly string[]} argv */
function lints(argv) {
  const only = optionValue(argv, '--only');
  return only === undefined || only.split(',').some((part) => part.trim() === 'lint');
}

/** Options of `metrics` that take a value. */
const METRICS_WITH_VALUE = ['--by', '--where', '--limit', '--views', '--catalog'];

/**
 * Whether `metrics` is given the name of a metric. Without one it only lists them.
 * @param {readonly string[]} argv
 */
function namesMetrics(argv) {
  const withValue = [...WITH_VALUE, ...METRICS_WITH_VALUE];
  const words = argv.filter((word, i) => !word.startsWith('-') && !withValue.includes(argv[i - 1] ?? ''));
  return words.length > 1;
}

/** @param {readonly string[]} argv */
function comparesAWarehouse(argv) {
  return ['--from', '--to', '--target'].some((option) => (optionValue(argv, option) ?? 'dev') !== 'dev');
}

module.exports = { COMMANDS, METRICS_WITH_VALUE, WITH_VALUE, readArgs };
