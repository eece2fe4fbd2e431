import { Argument } from '@commander-js/extra-typings';
import type { Cli } from '../declare.ts';

export const rehearsal = ({ program, run }: Cli) =>
  program
    .command('rehearsal')
    .description('start, stop or inspect the local Spark and Delta warehouse')
    .addArgument(actionArgument())
    .action((action) =>
      run(
        async (session) => {
          const command = await import('../../commands/rehearsal.ts');
          const { renderRehearsal } = await import('../../terminal/rehearsal.ts');
          const result = await command.run({ paths: session.paths, action }, session.effects);
          return session.finish(result, { text: renderRehearsal, essential: true });
        },
        { targets: ['dev', 'rehearsal'] },
      ),
    );

function actionArgument() {
  const argument = new Argument('<action>');
  argument.argChoices = ['up', 'down', 'status'];
  return argument;
}
