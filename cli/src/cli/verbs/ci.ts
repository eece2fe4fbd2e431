import { resolve } from 'node:path';
import { type Cli, remoteTarget, TARGETS } from '../declare.ts';

export const ci = ({ program, io, run }: Cli) =>
  program
    .command('ci')
    .description(
      'check a change: fixtures, scenarios, lint, conventions, contracts, a build of what differs from the main branch, and freshness; writes a summary',
    )
    .option('--base <ref>', 'git ref to compare with, or none to build everything (default: origin/main, else main)')
    .option(
      '--only <parts>',
      'run only some parts, separated by commas: fixtures,scenarios,lint,checks,contracts,build,branch,freshness',
    )
    .option('--accept-break <reason>', 'accept breaks of public models, for this reason')
    .option('--summary <file>', 'where to write the Markdown summary (default: ci-summary.md in the state folder)')
    .action(({ summary, ...given }) =>
      run(
        async (session) => {
          const command = await import('../../commands/ci.ts');
          const { renderCi } = await import('../../terminal/ci.ts');
          // With a target that builds there, the change is also built as a branch.
          const target = session.options.target === 'dev' ? {} : { target: await remoteTarget(session) };
          const options = { ...given, ...target, paths: session.paths, summary: summary && resolve(io.cwd, summary) };
          return session.finish(await command.run(options, session.effects), { text: renderCi, essential: true });
        },
        { targets: TARGETS },
      ),
    );
