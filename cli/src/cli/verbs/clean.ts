import type { Cli } from '../declare.ts';

export const clean = ({ program, run }: Cli) =>
  program
    .command('clean')
    .description('remove everything that meetup created (never the data folder)')
    .option('--all', 'also remove the Node packages and the compiled CLI')
    .action(({ all = false }) =>
      run(async (session) => {
        const command = await import('../../commands/clean.ts');
        const { renderClean } = await import('../../terminal/clean.ts');
        return session.finish(await command.run({ paths: session.paths, all }, session.effects), { text: renderClean });
      }),
    );
