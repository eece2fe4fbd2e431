import type { CommandUnknownOpts } from '@commander-js/extra-typings';

/** The kinds of suggestions for a value. */
export type Suggestion =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'folders' | 'files' | 'models' | 'nothing' };

export interface CompletedOption {
  /** `--json`, and `-V` if there is a short form. */
  readonly flags: readonly string[];
  readonly description: string;
  /** Undefined if the option takes no value. */
  readonly value: Suggestion | undefined;
}

/** One command with everything that can follow it. */
export interface CompletedCommand {
  /** The words that lead to it: `meetup test new`. */
  readonly path: string;
  readonly name: string;
  readonly description: string;
  /** Its own options, and those of every command. */
  readonly options: readonly CompletedOption[];
  readonly arguments: readonly Suggestion[];
  readonly commands: readonly CompletedCommand[];
}

/** Suggestions for values by their name in the declaration: `--junit <file>`. */
const BY_NAME: Readonly<Record<string, Suggestion['kind'] & ('folders' | 'files' | 'models')>> = {
  dir: 'folders',
  file: 'files',
  model: 'models',
  selection: 'models',
  marts: 'models',
  pattern: 'models',
};

/** Reads the declarations of the command line. */
export function commandTree(command: CommandUnknownOpts, parents = ''): CompletedCommand {
  const path = `${parents} ${command.name()}`.trim();
  const help = command.createHelp();
  const options = [...help.visibleOptions(command), ...help.visibleGlobalOptions(command)];
  return {
    path,
    name: command.name(),
    description: command.description(),
    options: options.map(({ short, long, description, flags, required, optional, argChoices }) => ({
      flags: [short, long].filter((flag) => flag !== undefined),
      description,
      value: required || optional ? suggestionFor(/[<[]([^>\].]+)/.exec(flags)?.[1], argChoices) : undefined,
    })),
    arguments: command.registeredArguments.map((argument) => suggestionFor(argument.name(), argument.argChoices)),
    commands: command.commands.map((child) => commandTree(child, path)),
  };
}

/** A command, and every command below it. */
export const withDescendants = (command: CompletedCommand): CompletedCommand[] => [
  command,
  ...command.commands.flatMap(withDescendants),
];

function suggestionFor(name: string | undefined, choices: readonly string[] | undefined): Suggestion {
  if (choices !== undefined) return { kind: 'words', words: choices };
  return { kind: BY_NAME[name ?? ''] ?? 'nothing' };
}
