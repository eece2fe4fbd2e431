import { type Cli, remoteTarget, TARGETS } from '../declare.ts';

export const rollback = ({ program, io, run }: Cli) =>
  program
    .command('rollback')
    .description('put every table of a target back to what it was before a deployment')
    .option('--to <deployment>', 'the deployment to go back to (default: the one before the last)')
    .option('--yes', 'do it without asking')
    .option('--force', "go back even if some tables can't, and name them")
    .action((given) =>
      run(
        async (session) => {
          const command = await import('../../commands/rollback.ts');
          const { renderRollback } = await import('../../terminal/deploy.ts');
          const { confirmRollback } = await import('../confirm.ts');
          const options = {
            ...given,
            paths: session.paths,
            target: await remoteTarget(session),
            ...(session.options.json ? {} : confirmRollback(session, io)),
          };
          return session.finish(await command.run(options, session.effects), { text: renderRollback, essential: true });
        },
        { targets: TARGETS },
      ),
    );
