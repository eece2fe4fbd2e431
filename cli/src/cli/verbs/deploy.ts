import {
  type Cli,
  maxGoneOption,
  maxRejectedOption,
  parseMaxGone,
  parseMaxRejected,
  remoteTarget,
  TARGETS,
} from '../declare.ts';

export const deploy = ({ program, io, run }: Cli) =>
  program
    .command('deploy')
    .description(
      'promote the project and its data to Databricks, or to the rehearsal: plan, confirm, upload, build, test, verify',
    )
    .addOption(maxRejectedOption())
    .addOption(maxGoneOption())
    .option('--plan', 'show the plan and stop')
    .option('--yes', 'skip the confirmation')
    .option('--plan-hash <hash>', 'deploy only if the plan has exactly this hash')
    .option('--full-refresh', 'build everything from scratch, and replace raw tables that differ from the local ones')
    .option(
      '--accept-break <reason>',
      'deploy although it takes something away from the readers of public models, for this reason',
    )
    .option('--bundle', 'then deploy databricks.yml too, with the databricks CLI (target prod)')
    .option(
      '--force',
      'deploy changes that are not committed or not rehearsed, and overwrite relations that somebody else changed',
    )
    .action(({ plan: planOnly = false, maxRejected, maxGone, ...given }) =>
      run(
        async (session) => {
          const command = await import('../../commands/deploy.ts');
          const { renderDeploy } = await import('../../terminal/deploy.ts');
          const { confirmPlan } = await import('../confirm.ts');
          const options = {
            ...given,
            planOnly,
            paths: session.paths,
            target: await remoteTarget(session),
            maxRejected: await parseMaxRejected(maxRejected),
            maxGone: await parseMaxGone(maxGone),
            ...(session.options.json ? {} : confirmPlan(session, io)),
          };
          return session.finish(await command.run(options, session.effects), { text: renderDeploy, essential: true });
        },
        { targets: TARGETS },
      ),
    );
