import { type CompletedCommand, type Suggestion, withDescendants } from './command-tree.ts';
import { shellWord } from './quote.ts';

/** A completion for bash 3.2 and later, without the bash-completion package. */
export function bashScript(tree: CompletedCommand, modelsFolder: string): string {
  const commands = withDescendants(tree);
  return `# Completes meetup in bash: eval "$(./meetup completion bash)"

__meetup_models() {
  find ${shellWord(modelsFolder)} -name '*.sql' 2>/dev/null | sed -e 's|.*/||' -e 's|\\.sql$||'
}

_meetup() {
  local IFS=$' \\t\\n' command=${tree.name} given=0 expected='' current=\${COMP_WORDS[COMP_CWORD]} word i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    # bash makes three words of --target=dev.
    if [[ $word == = ]]; then continue; fi
    if [[ -n $expected ]]; then expected='' && continue; fi
    case "$command:$word" in
${subcommands(commands)}
${valueOptions(commands)}
      *:-*) ;;
      *) given=$((given + 1)) ;;
    esac
  done
  if [[ $current == = ]]; then current=''; fi
  if [[ -z $expected && $current == -* ]]; then
    case "$command" in
${commands.map((command) => `      '${command.path}') expected='words ${flags(command)}' ;;`).join('\n')}
    esac
  elif [[ -z $expected ]]; then
    case "$command:$given" in
${positionals(commands)}
    esac
  fi
  COMPREPLY=()
  case "$expected" in
    words*) while read -r word; do COMPREPLY+=("$word"); done < <(compgen -W "\${expected#words}" -- "$current") ;;
    models) while read -r word; do COMPREPLY+=("$word"); done < <(compgen -W "$(__meetup_models)" -- "$current") ;;
    folders) __meetup_paths -d ;;
    files) __meetup_paths -f ;;
  esac
}

__meetup_paths() {
  local path
  compopt -o filenames 2>/dev/null
  while read -r path; do COMPREPLY+=("$path"); done < <(compgen "$1" -- "$current")
}

complete -F _meetup ${tree.name}
`;
}

const subcommands = (commands: readonly CompletedCommand[]): string =>
  commands
    .flatMap(({ path, commands: children }) =>
      children.map((child) => `      '${path}:${child.name}') command='${child.path}' given=0 ;;`),
    )
    .join('\n');

const valueOptions = (commands: readonly CompletedCommand[]): string =>
  commands
    .flatMap(({ path, options }) =>
      options.flatMap(({ flags, value }) =>
        value === undefined ? [] : [`      ${flags.map((flag) => `'${path}:${flag}'`).join('|')}) ${expect(value)} ;;`],
      ),
    )
    .join('\n');

const positionals = (commands: readonly CompletedCommand[]): string =>
  commands
    .flatMap(({ path, arguments: values, commands: children }) => {
      const words: Suggestion = { kind: 'words', words: children.map(({ name }) => name) };
      const first = children.length > 0 ? [words] : [];
      return [...first, ...values].map((value, at) => `      '${path}:${at}') ${expect(value)} ;;`);
    })
    .join('\n');

const expect = (value: Suggestion): string =>
  value.kind === 'words' ? `expected='words ${value.words.join(' ')}'` : `expected=${value.kind}`;

const flags = ({ options }: CompletedCommand): string => options.flatMap((option) => option.flags).join(' ');
