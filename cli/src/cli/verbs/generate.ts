import { resolve } from 'node:path';
import type { Cli } from '../declare.ts';

export const generate = ({ program, io, run }: Cli) =>
  program
    .command('generate')
    .description('write a realistic, deterministic data set')
    .option('--out <dir>', 'folder to write to (default: the data folder)')
    .option('--scale <n>', 'size of the data set; 1 is about the size of the real data', '1')
    .option('--seed <n>', 'the same seed gives the same bytes', '1')
    .option('--days <n>', 'number of daily drops after the first dump', '0')
    .action((given) =>
      run(async (session) => {
        const command = await import('../../commands/generate.ts');
        const { isOwnProject } = await import('../../config/paths.ts');
        const { MeetupError } = await import('../../config/errors.ts');
        if (given.out === undefined && !isOwnProject(session.paths)) {
          throw new MeetupError(
            `The sample is Meetup data, which doesn't belong into ${session.paths.data}: name a folder with --out.`,
          );
        }
        const { renderGenerate } = await import('../../terminal/generate.ts');
        const { parseOption, positiveNumber, wholeNumber } = await import('../../config/options.ts');
        const options = {
          out: given.out === undefined ? session.paths.data : resolve(io.cwd, given.out),
          scale: parseOption(positiveNumber, '--scale', given.scale, 'a number above 0'),
          seed: parseOption(wholeNumber, '--seed', given.seed, 'a whole number'),
          days: parseOption(wholeNumber, '--days', given.days, 'a whole number of days'),
        };
        return session.finish(await command.run(options, session.effects), { text: renderGenerate });
      }),
    );
