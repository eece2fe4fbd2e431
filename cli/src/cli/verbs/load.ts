import { type Cli, maxRejectedOption, parseMaxRejected } from '../declare.ts';

export const load = ({ program, run }: Cli) =>
  program
    .command('load')
    .description('validate the JSON files and append their records to the raw tables')
    .addOption(maxRejectedOption())
    .action((given) =>
      run(async (session) => {
        const command = await import('../../commands/load.ts');
        const { renderLoad } = await import('../../terminal/load.ts');
        const options = { paths: session.paths, maxRejected: await parseMaxRejected(given.maxRejected) };
        return session.finish(await command.run(options, session.effects), { text: renderLoad });
      }),
    );
