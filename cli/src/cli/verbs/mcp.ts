import type { Cli } from '../declare.ts';

export const mcp = ({ program, run }: Cli) =>
  program
    .command('mcp')
    .description(
      'serve an assistant over stdin and stdout by the Model Context Protocol; read-only unless --allow-build',
    )
    .option('--allow-build', 'let the assistant load, build and test, which changes the local marts', false)
    .action(({ allowBuild }) =>
      run(async (session) => {
        const command = await import('../../commands/mcp.ts');
        return (await command.run({ paths: session.paths, allowBuild }, session.effects)).exitCode;
      }),
    );
