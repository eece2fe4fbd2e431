import { type CompletedCommand, type Suggestion, withDescendants } from './command-tree.ts';
import { shellWord } from './quote.ts';

/** A completion for zsh 5 and later: one function per command, as `_arguments` expects. */
export function zshScript(tree: CompletedCommand, modelsFolder: string): string {
  return `#compdef ${tree.name}
# Completes meetup in zsh: eval "$(./meetup completion zsh)", after compinit

__meetup_models() {
  local -a models
  models=(\${(f)"$(find ${shellWord(modelsFolder)} -name '*.sql' 2>/dev/null)"})
  compadd -- \${models:t:r}
}

${withDescendants(tree).map(functionOf).join('\n\n')}

if [[ $funcstack[1] == _${tree.name} ]]; then
  ${functionName(tree.path)} "$@"
else
  compdef ${functionName(tree.path)} ${tree.name}
fi
`;
}

const functionName = (path: string): string => `_${path.replaceAll(/[ -]/g, '_')}`;

function functionOf(command: CompletedCommand): string {
  const { path, options, arguments: values, commands } = command;
  const specs = [
    ...options.flatMap(optionSpecs),
    ...(commands.length > 0 ? ["'1: :->command'", "'*:: :->rest'"] : values.map(argumentSpec)),
  ];
  const state = commands.length > 0 ? subcommandStates(commands) : '';
  return `${functionName(path)}() {
  local curcontext="$curcontext" state line
  typeset -A opt_args
  _arguments -C -s \\
${specs.map((spec) => `    ${spec}`).join(' \\\n')}
${state}}`;
}

function subcommandStates(commands: readonly CompletedCommand[]): string {
  return `  local -a commands
  case $state in
    command)
      commands=(
${commands.map(({ name, description }) => `        ${shellWord(`${name}:${description}`)}`).join('\n')}
      )
      _describe command commands
      ;;
    rest)
      case $line[1] in
${commands.map(({ name, path }) => `        ${name}) ${functionName(path)} ;;`).join('\n')}
      esac
      ;;
  esac
`;
}

const optionSpecs = ({ flags, description, value }: CompletedCommand['options'][number]): string[] =>
  flags.map((flag) => {
    const takes = value === undefined ? '' : `:value:${action(value)}`;
    const name = value !== undefined && flag.startsWith('--') ? `${flag}=` : flag;
    return shellWord(`${name}[${escaped(description)}]${takes}`);
  });

const argumentSpec = (value: Suggestion, at: number): string => shellWord(`${at + 1}:value:${action(value)}`);

function action(value: Suggestion): string {
  switch (value.kind) {
    case 'words':
      return `(${value.words.join(' ')})`;
    case 'folders':
      return '_files -/';
    case 'files':
      return '_files';
    case 'models':
      return '__meetup_models';
    default:
      return ' ';
  }
}

/** Brackets, colons and backslashes have a meaning in specifications of `_arguments`. */
const escaped = (text: string): string => text.replaceAll(/[[\]:\\]/g, '\\$&');
