import { type Cli, maxGoneOption, maxRejectedOption, parseMaxGone, parseMaxRejected } from '../declare.ts';

export const dev = ({ program, io, run }: Cli) =>
  program
    .command('dev')
    .description('load new data, build and test what is stale, then summarise the marts')
    .addOption(maxRejectedOption())
    .addOption(maxGoneOption())
    .option('--watch', 'keep running, and rebuild and test exactly what each change affects')
    .option('--full-refresh', 'build incremental models from scratch')
    .action(({ maxRejected, maxGone, fullRefresh = false, watch = false }) =>
      run(
        async (session) => {
          const options = {
            paths: session.paths,
            maxRejected: await parseMaxRejected(maxRejected),
            maxGone: await parseMaxGone(maxGone),
            fullRefresh,
          };
          if (watch) return (await import('../watch-terminal.ts')).watchSession(session, options, io);
          const command = await import('../../commands/dev.ts');
          const { renderDev } = await import('../../terminal/dev.ts');
          return session.finish(await command.run(options, session.effects), { text: renderDev });
        },
        { isStream: watch },
      ),
    );
