import { type Cli, remoteTarget, TARGETS } from '../declare.ts';

export const rollback = ({ program, io, run }: Cli) =>
  program
    .command('rollback')
    .description('return every table of a target to its state at an earlier deployment')
    .option('--to <deployment>', 'the deployment to return to (default: the one before the last)')
    .option('--before <id>', 'return to the state in which this deployment or run of dbt found the target')
    .option('--yes', 'skip the confirmation')
    .option('--force', "roll back even if some tables can't be restored, and list them")
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
