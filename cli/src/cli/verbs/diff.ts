import { resolve } from 'node:path';
import { type Cli, parseTarget, targetOption } from '../declare.ts';

export const diff = ({ program, io, run }: Cli) =>
  program
    .command('diff')
    .description('compare the marts of two targets, down to the cells')
    .addOption(targetOption('--from <target>', 'the target to compare').makeOptionMandatory())
    .addOption(targetOption('--to <target>', 'the target to compare it with').makeOptionMandatory())
    .option('-s, --select <marts...>', 'names of marts (default: all public ones)')
    .option('--samples <n>', 'how many differing rows to show per mart', '20')
    .option('--markdown <file>', 'also write a Markdown report')
    .action((given) =>
      run(async (session) => {
        const command = await import('../../commands/diff.ts');
        const { renderDiff } = await import('../../terminal/diff.ts');
        const { parseOption, wholeNumber } = await import('../../config/options.ts');
        const options = {
          paths: session.paths,
          from: await parseTarget('--from', given.from),
          to: await parseTarget('--to', given.to),
          select: given.select?.join(' '),
          samples: parseOption(wholeNumber, '--samples', given.samples, 'a whole number'),
          markdown: given.markdown && resolve(io.cwd, given.markdown),
        };
        return session.finish(await command.run(options, session.effects), { text: renderDiff, essential: true });
      }),
    );
