import { resolve } from 'node:path';
import { Option } from '@commander-js/extra-typings';
import type { RemoteName } from '../../targets/target.ts';
import { type Cli, TARGETS } from '../declare.ts';
import type { CommandSession } from '../run-command.ts';
import { testNew } from './test-new.ts';

export function test({ program, io, run }: Cli) {
  const command = program
    .command('test')
    .description('run the tests of the models against their fixtures')
    .option('--all', "also run the CLI's own tests")
    .addOption(partOption())
    .option(
      '-s, --select <pattern...>',
      'run only tests whose name matches one of these; with --mutate and --coverage, model names (* matches any characters)',
    )
    .option('--watch', 'keep running, and rerun the tests that a change affects')
    .option('--mutate', 'change the models one small step at a time, and show which changes no fixture notices')
    .option('--coverage', 'show the models, columns and CASE branches that no fixture reaches')
    .option('--junit <file>', 'also write a JUnit report')
    .action((given) =>
      run(
        async (session) => {
          const { target } = session.options;
          if (target !== 'dev') return testOnWarehouse(session, target, given);
          if (given.coverage) return showCoverage(session, given);
          if (given.mutate) return showSurvivors(session, given);
          const command = await import('../../commands/test.ts');
          const { renderTest } = await import('../../terminal/test.ts');
          const { parseOption, testPart } = await import('../../config/options.ts');
          const { only } = given;
          const options = {
            paths: session.paths,
            all: given.all ?? false,
            only: only === undefined ? only : parseOption(testPart, '--only', only, 'fixtures or scenarios'),
            select: given.select,
            watch: given.watch ?? false,
            junit: given.junit && resolve(io.cwd, given.junit),
          };
          return session.finish(await command.run(options, session.effects), { text: renderTest });
        },
        { isStream: given.watch ?? false, targets: TARGETS },
      ),
    );
  testNew({ program: command, io, run });
  return command;
}

function partOption() {
  const option = new Option('--only <part>', 'run only fixtures, or only scenarios');
  option.argChoices = ['fixtures', 'scenarios'];
  return option;
}

interface Selection {
  readonly select?: string[];
}

async function testOnWarehouse(session: CommandSession, target: RemoteName, given: Selection): Promise<number> {
  const { refuseLocalOnly, run } = await import('../../commands/test-remote.ts');
  const { renderTestRemote } = await import('../../terminal/test-remote.ts');
  refuseLocalOnly({ ...given });
  const result = await run({ paths: session.paths, target, select: given.select }, session.effects);
  return session.finish(result, { text: renderTestRemote });
}

async function showCoverage(session: CommandSession, { select }: Selection): Promise<number> {
  const { runCoverage } = await import('../../commands/test-strength.ts');
  const { renderCoverage } = await import('../../terminal/test-strength.ts');
  const result = await runCoverage({ paths: session.paths, select: select?.join(' ') }, session.effects);
  return session.finish(result, { text: renderCoverage, essential: true });
}

async function showSurvivors(session: CommandSession, { select }: Selection): Promise<number> {
  const { runMutation } = await import('../../commands/test-strength.ts');
  const { renderMutation } = await import('../../terminal/test-strength.ts');
  const result = await runMutation({ paths: session.paths, select: select?.join(' ') }, session.effects);
  return session.finish(result, { text: renderMutation, essential: true });
}
