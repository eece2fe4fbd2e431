import { Command, CommanderError } from '@commander-js/extra-typings';
import { packageVersion } from '../config/version.ts';
import { targetOption, type Verb } from './declare.ts';
import type { Io } from './run-command.ts';
import { branch } from './verbs/branch.ts';
import { build } from './verbs/build.ts';
import { ci } from './verbs/ci.ts';
import { clean } from './verbs/clean.ts';
import { completion } from './verbs/completion.ts';
import { dashboard } from './verbs/dashboard.ts';
import { deploy } from './verbs/deploy.ts';
import { dev } from './verbs/dev.ts';
import { diff } from './verbs/diff.ts';
import { doctor } from './verbs/doctor.ts';
import { forget } from './verbs/forget.ts';
import { generate } from './verbs/generate.ts';
import { impact } from './verbs/impact.ts';
import { init } from './verbs/init.ts';
import { load } from './verbs/load.ts';
import { mcp } from './verbs/mcp.ts';
import { metrics } from './verbs/metrics.ts';
import { pull } from './verbs/pull.ts';
import { query } from './verbs/query.ts';
import { rehearsal } from './verbs/rehearsal.ts';
import { rollback } from './verbs/rollback.ts';
import { schema } from './verbs/schema.ts';
import { test } from './verbs/test.ts';

/** In the order of the help. */
const VERBS: readonly Verb[] = [
  generate,
  load,
  forget,
  build,
  dev,
  test,
  query,
  dashboard,
  branch,
  deploy,
  rollback,
  diff,
  pull,
  impact,
  metrics,
  mcp,
  rehearsal,
  schema,
  ci,
  doctor,
  init,
  clean,
  completion,
];

/**
 * Parses a command line and runs its command.
 * @returns the exit code that the process should end with.
 */
export async function runCli(argv: readonly string[], io: Io): Promise<number> {
  let exitCode = 0;
  const program = declareProgram(io, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(withSqlAsArgument(argv, program), { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    // Commander has already printed its message.
    if (argv.includes('--json')) {
      io.stdout.write(`${JSON.stringify({ status: 'error', error: error.message.replace(/^error: /, '') })}\n`);
    }
    return 2;
  }
}

/**
 * SQL that begins with a comment looks like an option and would be refused as an unknown one. A line break in front of it makes
 * no difference to SQL.
 */
function withSqlAsArgument(argv: readonly string[], program: Command): string[] {
  const command = program.commands.find((one) => one.name() === 'query');
  if (command === undefined || !argv.includes('query')) return [...argv];
  const flags = new Set([...program.options, ...command.options].flatMap(({ short, long }) => [short, long]));
  flags.add('--help');
  return argv.map((word) => {
    const flag = /^--[^\s=]+(?==|$)/.exec(word)?.[0];
    const isComment =
      word.startsWith('--') && word !== '--' && (flag === undefined || (/\s/.test(word) && !flags.has(flag)));
    return isComment ? `\n${word}` : word;
  });
}

/** The whole command line: the options of every command, and the verbs. */
export function declareProgram(io: Io, ended: (exitCode: number) => void): Command {
  const program = new Command('meetup')
    .description(
      'The local-first development loop for dbt on Databricks: build on DuckDB, rehearse on Spark and Delta, promote to Databricks.',
    )
    .version(packageVersion(), '-V, --version')
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) })
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError()
    .option('--json', 'print one JSON document on stdout')
    .option('--data <dir>', 'folder of the input files (default: data)')
    .option(
      '--state-dir <dir>',
      'folder of the database, the toolchain and logs (default: .meetup, or MEETUP_STATE_DIR)',
    )
    .addOption(targetOption('--target <target>', 'target in profiles/profiles.yml').default('dev'))
    .option('--verbose', 'show more detail, and stack traces')
    .option('--quiet', 'show only essential output');
  for (const declare of VERBS) {
    declare({
      program,
      io,
      run: async (work, how) => {
        const { withSession } = await import('./run-command.ts');
        ended(await withSession(program.opts(), io, work, how));
      },
    });
  }
  return program;
}
