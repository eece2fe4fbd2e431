import type { Cli } from '../declare.ts';

export const forget = ({ program, io, run }: Cli) =>
  program
    .command('forget')
    .argument('[key...]', 'the key of a record, such as user_id=123 (user_id=-: read the value from stdin)')
    .description('remove a record, and what refers to it, from the data, the tables, the marts and earlier versions')
    .option('--entity <entity>', 'whose key it is, if several entities have one with this name')
    .option('--dry-run', 'show what would be removed, and change nothing')
    .option(
      '--no-fixtures',
      'leave the value in fixtures and scenarios, where it is otherwise replaced by an invented one',
    )
    .option('--yes', 'skip the confirmation')
    .action((key, given) =>
      run(async (session) => {
        const command = await import('../../commands/forget.ts');
        const { readGiven } = await import('../forget-input.ts');
        const { confirmForget } = await import('../confirm.ts');
        const { renderForget } = await import('../../terminal/forget.ts');
        const options = {
          ...given,
          paths: session.paths,
          given: await readGiven(key, session, io),
          ...(session.options.json ? {} : confirmForget(session, io)),
        };
        return session.finish(await command.run(options, session.effects), { text: renderForget, essential: true });
      }),
    );
