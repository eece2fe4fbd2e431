import { type CompletedCommand, type Suggestion, withDescendants } from './command-tree.ts';
import { fishWord } from './quote.ts';

/** A completion for fish 3 and later. */
export function fishScript(tree: CompletedCommand, modelsFolder: string): string {
  const commands = withDescendants(tree);
  return `# Completes meetup in fish: ./meetup completion fish | source

function __meetup_models
    find ${fishWord(modelsFolder)} -name '*.sql' 2>/dev/null | string replace -r '.*/(.*)\\.sql$' '$1'
end

# Whether the words so far lead to this command, with this many arguments after it (any number unless given).
function __meetup_at --argument-names wanted wanted_given
    set -l command ${tree.name}
    set -l given 0
    set -l skips 0
    for word in (commandline -opc)[2..]
        if test $skips = 1
            set skips 0
            continue
        end
        switch "$command:$word"
${commands.flatMap(subcommandCases).join('\n')}
            case ${valueOptions(commands)}
                set skips 1
            case '*:-*'
            case '*'
                set given (math $given + 1)
        end
    end
    test "$command" = "$wanted"; and test -z "$wanted_given" -o "$given" = "$wanted_given"
end

complete -c ${tree.name} -e
complete -c ${tree.name} -f
${commands.flatMap(linesOf).join('\n')}
`;
}

const subcommandCases = ({ path, commands }: CompletedCommand): string[] =>
  commands.map(
    (child) => `            case ${fishWord(`${path}:${child.name}`)}
                set command ${fishWord(child.path)}
                set given 0`,
  );

const valueOptions = (commands: readonly CompletedCommand[]): string =>
  commands
    .flatMap(({ path, options }) => options.filter(({ value }) => value).map((option) => ({ path, ...option })))
    .flatMap(({ path, flags }) => flags.map((flag) => fishWord(`${path}:${flag}`)))
    .join(' ');

function linesOf({ path, options, arguments: values, commands }: CompletedCommand): string[] {
  const at = (condition: string): string => `complete -c meetup -n ${fishWord(`__meetup_at ${condition}`)}`;
  const ofCommand = at(fishWord(path));
  return [
    ...commands.map(
      (child) => `${at(`${fishWord(path)} 0`)} -a ${fishWord(child.name)} -d ${fishWord(child.description)}`,
    ),
    ...values.map((value, given) => `${at(`${fishWord(path)} ${given}`)} ${suggested(value)}`.trimEnd()),
    ...options.map(({ flags, description, value }) => {
      const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
      const takes = value === undefined ? '' : value.kind === 'files' ? '-r -F' : `-x ${suggested(value)}`;
      return `${ofCommand} ${names.join(' ')} -d ${fishWord(description)} ${takes}`.trimEnd();
    }),
  ];
}

function suggested(value: Suggestion): string {
  switch (value.kind) {
    case 'words':
      return `-a ${fishWord(value.words.join(' '))}`;
    case 'folders':
      return "-a '(__fish_complete_directories)'";
    case 'models':
      return "-a '(__meetup_models)'";
    default:
      return '';
  }
}
