import { join } from 'node:path';
import { Argument } from '@commander-js/extra-typings';
import type { Cli } from '../declare.ts';

export const completion = ({ program, run }: Cli) =>
  program
    .command('completion')
    .description('print a script that completes meetup commands in a shell')
    .addArgument(shellArgument())
    .action((shell) =>
      run(async (session) => {
        const { completionScript } = await import('../completion/script.ts');
        const report = { shell, script: completionScript(shell, program, join(session.paths.dbtProject, 'models')) };
        return session.finish({ exitCode: 0, report }, { text: ({ script }) => script, essential: true });
      }),
    );

function shellArgument() {
  const argument = new Argument('<shell>');
  argument.argChoices = ['bash', 'zsh', 'fish'];
  return argument;
}
