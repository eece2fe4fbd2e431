import { Option } from '@commander-js/extra-typings';
import { type Cli, remoteTarget, TARGETS } from '../declare.ts';

export const pull = ({ program, io, run }: Cli) =>
  program
    .command('pull')
    .description(
      "bring a small sample of a target's sources, without personal data, to build on here instead of loaded files",
    )
    .option('--keys <keys>', 'what to bring: the rows of these keys, such as group_id=1,2, and what belongs to them')
    .option('--sample <share>', 'what to bring: the rows of a share of the keys, such as group_id=1%')
    .option('--test <name>', 'what to bring: the rows behind those that this data test finds on the target')
    .option('--max-rows <n>', 'refuse a larger sample', '100000')
    .option('--max-bytes <size>', 'refuse a larger sample', '100MB')
    .option('--plan', 'show what would be brought, and stop')
    .option('--yes', 'skip the confirmation')
    .addOption(
      new Option('--drop', 'remove the sample, and go back to loaded files').conflicts([
        'keys',
        'sample',
        'test',
        'plan',
      ]),
    )
    .action((given) =>
      run(
        async (session) => {
          const command = await import('../../commands/pull.ts');
          const { renderDrop, renderPull } = await import('../../terminal/pull.ts');
          if (given.drop) {
            return session.finish(await command.drop(session.paths, session.effects), {
              text: renderDrop,
              essential: true,
            });
          }
          const { confirmPull } = await import('../confirm.ts');
          const { byteSize, parseOption, wholeNumber } = await import('../../config/options.ts');
          const { chosenFrom } = await import('../../pull/choice.ts');
          const options = {
            paths: session.paths,
            target: await remoteTarget(session),
            choice: chosenFrom(given),
            test: given.test,
            maxRows: parseOption(wholeNumber, '--max-rows', given.maxRows, 'a whole number'),
            maxBytes: parseOption(byteSize, '--max-bytes', given.maxBytes, 'a size such as 100MB'),
            planOnly: given.plan,
            yes: given.yes,
            ...(session.options.json ? {} : confirmPull(session, io)),
          };
          return session.finish(await command.run(options, session.effects), { text: renderPull, essential: true });
        },
        { targets: TARGETS },
      ),
    );
