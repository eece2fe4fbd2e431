import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { MeetupError } from '../../config/errors.ts';
import { bashScript } from './bash.ts';
import { type CompletedCommand, commandTree } from './command-tree.ts';
import { fishScript } from './fish.ts';
import { zshScript } from './zsh.ts';

type Renderer = (tree: CompletedCommand, modelsFolder: string) => string;

const SHELLS = new Map<string, Renderer>([
  ['bash', bashScript],
  ['zsh', zshScript],
  ['fish', fishScript],
]);

/**
 * A script that completes the commands, options and values of the command line. The shell answers from the script
 * alone, without starting Node; only the names of models are looked up, in the folder of the dbt project.
 * @throws MeetupError for an unknown shell.
 */
export function completionScript(shell: string, program: CommandUnknownOpts, modelsFolder: string): string {
  const render = SHELLS.get(shell);
  if (render === undefined) {
    throw new MeetupError(`completion takes bash, zsh or fish, but got '${shell}'.`);
  }
  return render(commandTree(program), modelsFolder).trimEnd();
}
