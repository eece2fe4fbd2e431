import { resolve } from 'node:path';
import type { Cli } from '../declare.ts';

/** `schema` and its subcommands. */
export function schema(cli: Cli) {
  const command = cli.program.command('schema').description('infer and change the JSON Schemas of the input files');
  infer({ ...cli, program: command });
  propose({ ...cli, program: command });
  docs({ ...cli, program: command });
  return command;
}

const infer = ({ program, io, run }: Cli) =>
  program
    .command('infer <file...>')
    .description('write a JSON Schema for each entity from its JSON files')
    .option('--out <dir>', 'folder for the schemas (default: data/schemas)')
    .option('--force', 'replace existing schemas')
    .option('--print', 'print the schemas instead of writing them')
    .action((files, given) =>
      run(async (session) => {
        const command = await import('../../commands/schema-infer.ts');
        const { renderInfer } = await import('../../terminal/schema.ts');
        const options = {
          files: files.map((file) => resolve(io.cwd, file)),
          out: given.out === undefined ? session.paths.schemas : resolve(io.cwd, given.out),
          force: given.force ?? false,
          prints: given.print ?? false,
        };
        const result = await command.run(options, session.effects);
        for (const { notes, status } of result.report.schemas) {
          if (status === 'printed') for (const note of notes) session.effects.reporter.note(note);
        }
        return session.finish(result, { text: renderInfer, essential: options.prints });
      }),
    );

const propose = ({ program, run }: Cli) =>
  program
    .command('propose')
    .description('propose the smallest schema changes that would admit rejected records')
    .option('--least <records>', 'leave out changes that affect fewer records', '2')
    .option('--apply', 'write the changes')
    .action((given) =>
      run(async (session) => {
        const command = await import('../../commands/schema-propose.ts');
        const { renderPropose } = await import('../../terminal/schema.ts');
        const { parseOption, wholeNumber } = await import('../../config/options.ts');
        const least = parseOption(wholeNumber, '--least', given.least, 'a number of records, such as 2');
        const options = { paths: session.paths, least, applies: given.apply ?? false };
        return session.finish(await command.run(options, session.effects), { text: renderPropose, essential: true });
      }),
    );

const docs = ({ program, run }: Cli) =>
  program
    .command('docs')
    .description(
      "write the files derived from the schemas: the dbt source's YAML, the README's table and the raw tables' DDL",
    )
    .option('--check', 'only compare the files with the schemas; exit with 1 if one differs')
    .action((given) =>
      run(async (session) => {
        const command = await import('../../commands/schema-docs.ts');
        const { renderDocs } = await import('../../terminal/schema.ts');
        const result = await command.run({ paths: session.paths, checks: given.check ?? false });
        return session.finish(result, { text: renderDocs });
      }),
    );
