import type { Cli } from '../declare.ts';

export const dashboard = ({ program, io, run }: Cli) =>
  program
    .command('dashboard')
    .description('serve pages of charts over the marts, redrawn after each build, or write them as a static folder')
    .option('--out <dir>', 'write the pages with their data into a folder that works from any web server')
    .option(
      '--port <port>',
      'port on this machine, 0 for any free one (default: 4680, or dashboard.port in meetup.yml)',
    )
    .action(({ out, port }) =>
      run(
        async (session) => {
          const command = await import('../../commands/dashboard.ts');
          const { portSchema, parseOption } = await import('../../config/options.ts');
          const { renderDashboard, renderServing, servingJson } = await import('../../terminal/dashboard.ts');
          const { resolve } = await import('node:path');
          const { paths, effects, options } = session;
          if (out !== undefined) {
            const result = await command.write({ paths, out: resolve(io.cwd, out) }, effects);
            return session.finish(result, { text: renderDashboard });
          }
          const parsed =
            port === undefined ? undefined : parseOption(portSchema, '--port', port, 'a port from 0 to 65535');
          const serving = (report: { address: string }): void => {
            io.stdout.write(`${options.json ? servingJson(report) : renderServing(report)}\n`);
          };
          return (await command.serve({ paths, port: parsed, serving }, effects)).exitCode;
        },
        { isStream: out === undefined },
      ),
    );
