import { type Cli, TARGETS } from '../declare.ts';

export const build = ({ program, run }: Cli) =>
  program
    .command('build')
    .description('build and test models once')
    .option('-s, --select <selection...>', "which models, in dbt's selection syntax")
    .option('--exclude <selection...>', "which models to leave out, in dbt's selection syntax")
    .option('--full-refresh', 'build incremental models from scratch')
    .action(({ select, exclude, ...given }) =>
      run(
        async (session) => {
          const command = await import('../../commands/build.ts');
          const { renderBuild } = await import('../../terminal/build.ts');
          const options = {
            ...given,
            select: select?.join(' '),
            exclude: exclude?.join(' '),
            paths: session.paths,
            target: session.options.target,
          };
          return session.finish(await command.run(options, session.effects), { text: renderBuild });
        },
        { targets: TARGETS },
      ),
    );
