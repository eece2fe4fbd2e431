import type { Cli } from '../declare.ts';

export const query = ({ program, run }: Cli) =>
  program
    .command('query <sql>')
    .description('read-only SQL on the local marts')
    .action((sql) =>
      run(async (session) => {
        const command = await import('../../commands/query.ts');
        const { renderQuery, queryRows } = await import('../../terminal/query.ts');
        const result = await command.run({ paths: session.paths, sql }, session.effects);
        return session.finish(result, { text: renderQuery, json: queryRows, essential: true });
      }),
    );
