import type { Cli } from '../declare.ts';

export const query = ({ program, io, run }: Cli) =>
  program
    .command('query')
    .argument('[sql]', 'one or more statements (default: read from stdin)')
    .description('run read-only SQL on the local marts')
    .option('-f, --file <file>', 'read the SQL from a file, or from stdin with -')
    .action((argument, { file }) =>
      run(async (session) => {
        const { readSql } = await import('../query-input.ts');
        const command = await import('../../commands/query.ts');
        const { renderQuery, queryJson } = await import('../../terminal/query.ts');
        const sql = await readSql({ argument, file }, io);
        const result = await command.run({ paths: session.paths, sql }, session.effects);
        return session.finish(result, { text: renderQuery, json: queryJson, essential: true });
      }),
    );
