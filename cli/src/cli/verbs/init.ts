import { resolve } from 'node:path';
import type { Cli } from '../declare.ts';

export const init = ({ program, io, run }: Cli) =>
  program
    .command('init')
    .description('set up a dbt project, or a folder of JSON files, to be built with meetup')
    .option('--yes', 'write without asking')
    .action((given) =>
      run(async (session) => {
        const command = await import('../../commands/init.ts');
        const { confirmInit } = await import('../confirm.ts');
        const { renderInit } = await import('../../terminal/init.ts');
        const { findRoot } = await import('../../config/project/layout.ts');
        const { MEETUP_PROJECT_DIR: named } = io.env;
        const root = named ? resolve(io.cwd, named) : (findRoot(io.cwd) ?? io.cwd);
        const confirm = given.yes ? async () => true : confirmInit(session, io);
        const data = session.options.data === undefined ? undefined : resolve(io.cwd, session.options.data);
        return session.finish(await command.run({ root, data, confirm }, session.effects), { text: renderInit });
      }),
    );
