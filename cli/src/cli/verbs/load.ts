import { type Cli, maxGoneOption, maxRejectedOption, parseMaxGone, parseMaxRejected } from '../declare.ts';

export const load = ({ program, run }: Cli) =>
  program
    .command('load')
    .description('validate the JSON files and append their records to the raw tables')
    .addOption(maxRejectedOption())
    .addOption(maxGoneOption())
    .option(
      '--migrate',
      'migrate the raw tables to changed schemas: convert columns to their new types, and reject records that are no longer valid',
    )
    .option('--retry-rejected', 'load rejected records that are valid now, with their original batch and position')
    .action((given) =>
      run(async (session) => {
        const command = await import('../../commands/load.ts');
        const { renderLoad } = await import('../../terminal/load.ts');
        const options = {
          paths: session.paths,
          maxRejected: await parseMaxRejected(given.maxRejected),
          maxGone: await parseMaxGone(given.maxGone),
          migrates: given.migrate ?? false,
          retriesRejected: given.retryRejected ?? false,
        };
        return session.finish(await command.run(options, session.effects), { text: renderLoad });
      }),
    );
