import { resolve } from 'node:path';
import { Option } from '@commander-js/extra-typings';
import { type Cli, remoteTarget, TARGETS } from '../declare.ts';

export const branch = ({ program, io, run }: Cli) =>
  program
    .command('branch')
    .argument('[name]', 'the name of the branch: lower-case letters, digits and underscores')
    .description('build what differs from what is deployed into schemas of its own on the target, and test it there')
    .addOption(new Option('--list', 'list the branches on the target').conflicts(['drop', 'diff', 'markdown', 'days']))
    .addOption(new Option('--drop', 'drop the branch').conflicts(['diff', 'markdown', 'days']))
    .addOption(new Option('--diff', 'only compare the branch with what readers see now').conflicts('days'))
    .option('--markdown <file>', 'also write what the numbers do as Markdown')
    .option('--days <n>', 'how many days the branch lives (default: 7)')
    .action((name, { list, drop, days, markdown, diff: diffOnly }) =>
      run(
        async (session) => {
          const command = await import('../../commands/branch.ts');
          const { renderBranch, renderBranches, renderDropped } = await import('../../terminal/branch.ts');
          const { parseOption, days: numberOfDays } = await import('../../config/options.ts');
          const { requireBranchName } = await import('../branch-name.ts');
          const shared = { paths: session.paths, target: await remoteTarget(session) };
          if (list === true) {
            return session.finish(await command.list(shared, session.effects), {
              text: renderBranches,
              essential: true,
            });
          }
          const options = { ...shared, name: requireBranchName(name) };
          if (drop === true) {
            return session.finish(await command.drop(options, session.effects), { text: renderDropped });
          }
          const more = {
            diffOnly,
            ...(markdown === undefined ? {} : { markdown: resolve(io.cwd, markdown) }),
            ...(days === undefined
              ? {}
              : { days: parseOption(numberOfDays, '--days', days, 'a number of days, at most 3650') }),
          };
          const result = await command.run({ ...options, ...more }, session.effects);
          return session.finish(result, { text: renderBranch, essential: true });
        },
        { targets: TARGETS },
      ),
    );
