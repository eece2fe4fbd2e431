import { resolve } from 'node:path';
import { Command, CommanderError, Option } from 'commander';
import { packageVersion } from '../config/version.ts';
import type { CommandSession, Io } from './run-command.ts';

/**
 * Declares the command line. Each command is imported when it is called, so that `--help` needs none of them.
 * @returns the exit code that the process should end with.
 */
export async function runCli(argv: readonly string[], io: Io): Promise<number> {
  let exitCode = 0;
  const program = declare(io, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    // Commander has printed its own message by now, for people.
    if (argv.includes('--json')) {
      io.stdout.write(`${JSON.stringify({ status: 'error', error: error.message.replace(/^error: /, '') })}\n`);
    }
    return 2;
  }
}

function declare(io: Io, ended: (exitCode: number) => void): Command {
  const program = new Command('meetup')
    .description(
      'The local-first development loop for dbt, on Meetup data: DuckDB here, Spark and Delta to rehearse, Databricks in the end.',
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
    .addOption(new Option('--target <target>', 'target of profiles/profiles.yml').default('dev'))
    .option('--verbose', 'say more, and show stack traces')
    .option('--quiet', 'say only what matters');

  const verb = <Own extends object>(
    signature: string,
    description: string,
    work: (session: CommandSession, own: Own, argument: string | undefined) => Promise<number>,
    parent: Command = program,
  ): Command =>
    parent
      .command(signature)
      .description(description)
      .action(async (...args: unknown[]) => {
        const command = args.at(-1);
        if (!(command instanceof Command)) throw new TypeError('commander passes the command last');
        const argument = typeof args[0] === 'string' ? args[0] : undefined;
        // Imported when a command runs: zod, which parses the options, takes longer to load than all that --help needs.
        const { withSession } = await import('./run-command.ts');
        const isStream = command.getOptionValue('watch') === true;
        const run = (session: CommandSession) => work(session, command.opts<Own>(), argument);
        ended(await withSession(program.opts(), io, run, { isStream }));
      });

  verb<{ out?: string; scale: string; seed: string; days: string }>(
    'generate',
    'write a realistic, deterministic data set',
    async (session, own) => {
      const { run } = await import('../commands/generate.ts');
      const { renderGenerate } = await import('../terminal/generate.ts');
      const { parseOption, positiveNumber, wholeNumber } = await import('../config/options.ts');
      const result = await run(
        {
          out: own.out === undefined ? session.paths.data : resolve(io.cwd, own.out),
          scale: parseOption(positiveNumber, '--scale', own.scale, 'a number above 0'),
          seed: parseOption(wholeNumber, '--seed', own.seed, 'a whole number'),
          days: parseOption(wholeNumber, '--days', own.days, 'a whole number of days'),
        },
        session.effects,
      );
      return session.finish(result, { text: renderGenerate });
    },
  )
    .option('--out <dir>', 'folder to write to (default: the data folder)')
    .option('--scale <n>', 'size; 1 is about the real thing', '1')
    .option('--seed <n>', 'the same seed gives the same bytes', '1')
    .option('--days <n>', 'daily drops after the first dump', '0');

  verb<{ maxRejected: string }>(
    'load',
    'check the JSON files and append them to the raw tables',
    async (session, own) => {
      const { run } = await import('../commands/load.ts');
      const { renderLoad } = await import('../terminal/load.ts');
      const result = await run(
        { paths: session.paths, maxRejected: await maxRejected(own.maxRejected) },
        session.effects,
      );
      return session.finish(result, { text: renderLoad });
    },
  ).addOption(maxRejectedOption());

  verb<{ select?: string; exclude?: string; fullRefresh?: boolean }>(
    'build',
    'build and test models once',
    async (session, own) => {
      const { run } = await import('../commands/build.ts');
      const { renderBuild } = await import('../terminal/build.ts');
      const { paths, options } = session;
      const { select, exclude, fullRefresh = false } = own;
      const result = await run({ paths, target: options.target, select, exclude, fullRefresh }, session.effects);
      return session.finish(result, { text: renderBuild });
    },
  )
    .option('--select <selection>', "which models, in dbt's selection syntax")
    .option('--exclude <selection>', "which not, in dbt's selection syntax")
    .option('--full-refresh', 'build incremental models from scratch');

  verb<{ maxRejected: string; fullRefresh?: boolean; watch?: boolean }>(
    'dev',
    'load and build what is new, then show what is in the marts',
    async (session, own) => {
      const { paths } = session;
      const options = { paths, maxRejected: await maxRejected(own.maxRejected), fullRefresh: own.fullRefresh ?? false };
      if (own.watch) return (await import('./watch-terminal.ts')).watchSession(session, options, io);
      const { run } = await import('../commands/dev.ts');
      const { renderDev } = await import('../terminal/dev.ts');
      return session.finish(await run(options, session.effects), { text: renderDev });
    },
  )
    .addOption(maxRejectedOption())
    .option('--watch', 'stay, and rebuild and test exactly what each change affects')
    .option('--full-refresh', 'build incremental models from scratch');

  const test = verb<{
    all?: boolean;
    junit?: string;
    only?: string;
    select?: string;
    watch?: boolean;
    mutate?: boolean;
    coverage?: boolean;
  }>('test', 'run the tests of the models against their fixtures', async (session, own) => {
    const { all = false, junit, only, select, watch = false } = own;
    if ((own.mutate || own.coverage) && session.options.target === 'dev') {
      const { runCoverage, runMutation } = await import('../commands/test-strength.ts');
      const { renderCoverage, renderMutation } = await import('../terminal/test-strength.ts');
      const strength = { paths: session.paths, select };
      if (own.coverage) {
        return session.finish(await runCoverage(strength, session.effects), { text: renderCoverage, essential: true });
      }
      return session.finish(await runMutation(strength, session.effects), { text: renderMutation, essential: true });
    }
    const { renderTest } = await import('../terminal/test.ts');
    if (session.options.target !== 'dev') {
      const { refuseLocalOnly, run } = await import('../commands/test-remote.ts');
      const { renderTestRemote } = await import('../terminal/test-remote.ts');
      refuseLocalOnly({ ...own });
      const remote = { paths: session.paths, target: session.options.target, select };
      return session.finish(await run(remote, session.effects), { text: renderTestRemote });
    }
    const { run } = await import('../commands/test.ts');
    const { parseOption, testPart } = await import('../config/options.ts');
    const part = only === undefined ? undefined : parseOption(testPart, '--only', only, 'fixtures or scenarios');
    const options = { paths: session.paths, all, only: part, select, watch, junit: junit && resolve(io.cwd, junit) };
    return session.finish(await run(options, session.effects), { text: renderTest });
  })
    .option('--all', "the CLI's own tests too")
    .option('--only <part>', 'only fixtures, or only scenarios')
    .option(
      '--select <pattern>',
      'only tests whose name matches; with --mutate and --coverage, names of models (* for any letters)',
    )
    .option('--watch', 'stay, and run again what a change affects')
    .option('--mutate', 'change the models one small step at a time, and tell which changes no fixture notices')
    .option('--coverage', 'models, columns and CASE branches that no fixture reaches')
    .option('--junit <file>', 'write a JUnit report too');

  verb<{ where?: string; fromKey?: string; fromRejected?: string; name?: string }>(
    'new <model>',
    'write a test of a model from local data: the few input rows that make the chosen output rows',
    async (session, own, model) => {
      const { run } = await import('../commands/test-new.ts');
      const { renderTestNew } = await import('../terminal/test-new.ts');
      const result = await run({ ...own, paths: session.paths, model: model ?? '' }, session.effects);
      return session.finish(result, { text: renderTestNew, essential: true });
    },
    test,
  )
    .option('--where <sql>', "which of the model's rows")
    .option('--from-key <value>', 'the row with this key; values separated by commas where the key has several columns')
    .option('--from-rejected <id>', 'a record that broke its schema, as if it had been let in')
    .option('--name <name>', 'of the test and its file');

  verb<Record<string, never>>('query <sql>', 'read-only SQL on the local marts', async (session, _own, sql) => {
    const { run } = await import('../commands/query.ts');
    const { renderQuery, queryRows } = await import('../terminal/query.ts');
    const result = await run({ paths: session.paths, sql: sql ?? '' }, session.effects);
    return session.finish(result, { text: renderQuery, json: queryRows, essential: true });
  });

  verb<{
    plan?: boolean;
    yes?: boolean;
    planHash?: string;
    force?: boolean;
    fullRefresh?: boolean;
    maxRejected: string;
  }>(
    'deploy',
    'promote the project and its data to Databricks, or to the rehearsal: plan, confirm, upload, build, test, verify',
    async (session, own) => {
      const { run } = await import('../commands/deploy.ts');
      const { renderDeploy } = await import('../terminal/deploy.ts');
      const { confirmPlan } = await import('./confirm.ts');
      const result = await run(
        {
          ...own,
          paths: session.paths,
          target: await remoteName(session),
          planOnly: own.plan ?? false,
          maxRejected: await maxRejected(own.maxRejected),
          ...(session.options.json ? {} : confirmPlan(session, io)),
        },
        session.effects,
      );
      return session.finish(result, { text: renderDeploy, essential: true });
    },
  )
    .addOption(maxRejectedOption())
    .option('--plan', 'show what would be done, and stop')
    .option('--yes', 'do it without asking')
    .option('--plan-hash <hash>', 'do it only if the plan is exactly the one with this hash')
    .option('--full-refresh', 'build everything from scratch, and replace raw tables that are not as ours')
    .option('--force', 'deploy what is not committed or not rehearsed, and over what somebody else changed');

  verb<{ to?: string; yes?: boolean; force?: boolean }>(
    'rollback',
    'put every table of a target back to what it was before a deployment',
    async (session, own) => {
      const { run } = await import('../commands/rollback.ts');
      const { renderRollback } = await import('../terminal/deploy.ts');
      const { confirmRollback } = await import('./confirm.ts');
      const result = await run(
        {
          ...own,
          paths: session.paths,
          target: await remoteName(session),
          ...(session.options.json ? {} : confirmRollback(session, io)),
        },
        session.effects,
      );
      return session.finish(result, { text: renderRollback, essential: true });
    },
  )
    .option('--to <deployment>', 'the deployment to go back to (default: the one before the last)')
    .option('--yes', 'do it without asking')
    .option('--force', "go back also where some tables can't, and name them");

  verb<{ from: string; to: string; select?: string; samples: string; markdown?: string }>(
    'diff',
    'compare the marts of two targets, down to the cells',
    async (session, own) => {
      const { run } = await import('../commands/diff.ts');
      const { renderDiff } = await import('../terminal/diff.ts');
      const { parseOption, targetSchema, wholeNumber } = await import('../config/options.ts');
      const result = await run(
        {
          paths: session.paths,
          from: parseOption(targetSchema, '--from', own.from, 'dev, rehearsal or prod'),
          to: parseOption(targetSchema, '--to', own.to, 'dev, rehearsal or prod'),
          select: own.select,
          samples: parseOption(wholeNumber, '--samples', own.samples, 'a whole number'),
          markdown: own.markdown && resolve(io.cwd, own.markdown),
        },
        session.effects,
      );
      return session.finish(result, { text: renderDiff, essential: true });
    },
  )
    .requiredOption('--from <target>', 'dev, rehearsal or prod')
    .requiredOption('--to <target>', 'dev, rehearsal or prod')
    .option('--select <marts>', 'names of marts (default: all public ones)')
    .option('--samples <n>', 'how many differing rows of a mart are shown', '20')
    .option('--markdown <file>', 'write a Markdown report too');

  verb<Record<string, never>>(
    'rehearsal <action>',
    'the local Spark and Delta warehouse: up, down or status',
    async (session, _own, action) => {
      const { run } = await import('../commands/rehearsal.ts');
      const { renderRehearsal } = await import('../terminal/rehearsal.ts');
      const result = await run({ paths: session.paths, action: action ?? '' }, session.effects);
      return session.finish(result, { text: renderRehearsal, essential: true });
    },
  );

  verb<{ base?: string; only?: string; summary?: string }>(
    'ci',
    'check a change: fixtures, scenarios, lint, and a build of what differs from the main branch; writes a summary',
    async (session, own) => {
      const { run } = await import('../commands/ci.ts');
      const { renderCi } = await import('../terminal/ci.ts');
      const { base, only, summary } = own;
      const result = await run(
        { paths: session.paths, base, only, summary: summary && resolve(io.cwd, summary) },
        session.effects,
      );
      return session.finish(result, { text: renderCi, essential: true });
    },
  )
    .option('--base <ref>', 'what to compare with, or none to build everything (default: origin/main, else main)')
    .option('--only <parts>', 'some of fixtures,scenarios,lint,build')
    .option('--summary <file>', 'where to write the Markdown summary (default: ci-summary.md in the state folder)');

  verb<Record<string, never>>(
    'doctor',
    'check the machine, the toolchain and the profile, and say how to mend what is wrong',
    async (session) => {
      const { run } = await import('../commands/doctor.ts');
      const { renderDoctor } = await import('../terminal/doctor.ts');
      const result = await run({ paths: session.paths, target: session.options.target }, session.effects);
      return session.finish(result, { text: renderDoctor, essential: true });
    },
  );

  verb<{ all?: boolean }>('clean', 'remove what was made (never the data folder)', async (session, own) => {
    const { run } = await import('../commands/clean.ts');
    const { renderClean } = await import('../terminal/clean.ts');
    const result = await run({ paths: session.paths, all: own.all ?? false }, session.effects);
    return session.finish(result, { text: renderClean });
  }).option('--all', 'the Node packages and the compiled CLI too');

  return program;
}

async function remoteName({ options }: CommandSession): Promise<'rehearsal' | 'prod'> {
  const { parseOption, remoteTargetName } = await import('../config/options.ts');
  return parseOption(remoteTargetName, '--target', options.target, 'rehearsal or prod');
}

async function maxRejected(text: string): Promise<number> {
  const { parseOption, shareSchema } = await import('../config/options.ts');
  return parseOption(shareSchema, '--max-rejected', text, 'a share such as 1% or 0.01');
}

const maxRejectedOption = (): Option =>
  new Option('--max-rejected <share>', 'refuse a batch with a greater share of rejected records').default('1%');
