import { type Command, Option } from '@commander-js/extra-typings';
import type { Target } from '../config/options.ts';
import type { RemoteName } from '../targets/target.ts';
import type { CommandSession, HowToRun, Io } from './run-command.ts';

/** Passed to the declaration of a verb: the program to add it to, and a function that runs its work. */
export interface Cli {
  readonly program: Command;
  readonly io: Io;
  /**
   * Runs a command's work with the options that all commands share, and ends the process with its exit code.
   */
  run(work: (session: CommandSession) => Promise<number>, how?: HowToRun): Promise<void>;
}

/**
 * Adds one verb to the program. Declarations are evaluated at every start, so they import the command and its dependencies only
 * when it is called: zod alone takes longer to load than everything that --help needs.
 */
export type Verb = (cli: Cli) => unknown;

/** The targets in suggestions; `config/options.ts` parses the given value. */
export const TARGETS: Target[] = ['dev', 'rehearsal', 'prod'];

/** An option that takes a target. */
export function targetOption<const Flags extends string>(flags: Flags, description: string): Option<Flags> {
  const option = new Option(flags, description);
  option.argChoices = TARGETS;
  return option;
}

/** The value of a `targetOption`. */
export async function parseTarget(option: string, text: string): Promise<Target> {
  const { parseOption, targetSchema } = await import('../config/options.ts');
  return parseOption(targetSchema, option, text, 'dev, rehearsal or prod');
}

/** The value of --target for commands that only work on a warehouse. */
export async function remoteTarget({ options }: CommandSession): Promise<RemoteName> {
  if (options.target !== 'dev') return options.target;
  const { MeetupError } = await import('../config/errors.ts');
  throw new MeetupError('This command needs a warehouse: add --target rehearsal or --target prod.');
}

/** The share of a batch's records that may be invalid; `parseMaxRejected` parses its value. */
export const maxRejectedOption = () =>
  new Option('--max-rejected <share>', 'refuse a batch if more than this share of its records is rejected').default(
    '1%',
  );

/** The share of the known records that a complete drop may lack; `parseMaxGone` parses its value. */
export const maxGoneOption = () =>
  new Option(
    '--max-gone <share>',
    'refuse a complete drop if it lacks more than this share of the records that were there before',
  ).default('5%');

/** The value of `maxGoneOption`, between 0 and 1. */
export async function parseMaxGone(text: string): Promise<number> {
  const { parseOption, shareSchema } = await import('../config/options.ts');
  return parseOption(shareSchema, '--max-gone', text, 'a share such as 5% or 0.05');
}

/** The value of `maxRejectedOption`, between 0 and 1. */
export async function parseMaxRejected(text: string): Promise<number> {
  const { parseOption, shareSchema } = await import('../config/options.ts');
  return parseOption(shareSchema, '--max-rejected', text, 'a share such as 1% or 0.01');
}
