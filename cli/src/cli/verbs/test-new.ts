import type { Cli } from '../declare.ts';

/** `test new`, a subcommand of `test`. */
export const testNew = ({ program, run }: Cli) =>
  program
    .command('new <model>')
    .description(
      'write a unit test for a model from local data: the few input rows that produce the chosen output rows',
    )
    .option('--where <sql>', 'a condition that chooses rows of the model')
    .option('--from-key <value>', 'the row with this key (values separated by commas if the key has several columns)')
    .option('--from-rejected <id>', 'a rejected record, as if it had passed validation')
    .option('--name <name>', 'name of the test and its file')
    .action((model, given) =>
      run(async (session) => {
        const command = await import('../../commands/test-new.ts');
        const { renderTestNew } = await import('../../terminal/test-new.ts');
        const result = await command.run({ ...given, paths: session.paths, model }, session.effects);
        return session.finish(result, { text: renderTestNew, essential: true });
      }),
    );
