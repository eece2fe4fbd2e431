import type { Cli } from '../declare.ts';

export const build = ({ program, run }: Cli) =>
  program
    .command('build')
    .description('build and test models once')
    .option('--select <selection>', "which models, in dbt's selection syntax")
    .option('--exclude <selection>', "which models to leave out, in dbt's selection syntax")
    .option('--full-refresh', 'build incremental models from scratch')
    .action((given) =>
      run(async (session) => {
        const command = await import('../../commands/build.ts');
        const { renderBuild } = await import('../../terminal/build.ts');
        const options = { ...given, paths: session.paths, target: session.options.target };
        return session.finish(await command.run(options, session.effects), { text: renderBuild });
      }),
    );
