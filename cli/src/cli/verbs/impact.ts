import type { Cli } from '../declare.ts';

export const impact = ({ program, run }: Cli) =>
  program
    .command('impact')
    .argument('<model>', 'a model, model.column, source.table or source.table.column')
    .description('show what feeds a column and everything that a change of it can alter')
    .option('--mermaid', 'print a Mermaid flowchart')
    .action((of, { mermaid }) =>
      run(async (session) => {
        const command = await import('../../commands/impact.ts');
        const { renderImpact } = await import('../../terminal/impact.ts');
        const result = await command.run({ paths: session.paths, of, mermaid }, session.effects);
        return session.finish(result, { text: renderImpact, essential: true });
      }),
    );
