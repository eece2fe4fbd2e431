import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import type { PullPlan } from '../commands/pull.ts';
import { InterruptedError } from '../config/errors.ts';
import type { DeployPlan } from '../deploy/plan/plan.ts';
import { placeOf, type RollbackGoal } from '../deploy/rollback.ts';
import { receiptText } from '../forget/receipt-text.ts';
import type { Receipt } from '../forget/receipts.ts';
import type { InitPlan } from '../init/planned-file.ts';
import { renderPlan, runsInWords } from '../terminal/deploy.ts';
import { renderInitPlan } from '../terminal/init.ts';
import { renderPullPlan } from '../terminal/pull.ts';
import { styleFor } from '../text/style.ts';
import type { CommandSession, Io } from './run-command.ts';

/** Shows a plan and asks for the target's name; undefined if there is no terminal. */
export function confirmPlan(session: CommandSession, io: Io) {
  if (!hasPerson(io)) return {};
  return {
    confirm: (plan: DeployPlan) => typed(session, io, renderPlan(plan, styleFor(io.stdout, io.env)), plan.target),
  };
}

/** Asks for the target's name before a rollback. */
export function confirmRollback(session: CommandSession, io: Io) {
  if (!hasPerson(io)) return {};
  return {
    confirm: ({ from, to, undoes }: RollbackGoal, target: string) => {
      const what =
        from === to
          ? `This puts ${target} back to an earlier state.`
          : `This rolls ${target} back from ${placeOf(from)} to ${placeOf(to)}.`;
      const runs = undoes.length === 0 ? '' : ` It also undoes ${runsInWords(undoes)}.`;
      return typed(session, io, what + runs, target);
    },
  };
}

/** Shows what `init` would write, and asks; never, if there is no terminal. */
export function confirmInit({ effects }: CommandSession, io: Io) {
  return async (plan: InitPlan): Promise<boolean> => {
    if (!hasPerson(io)) return false;
    effects.reporter.progress('');
    io.stdout.write(`${renderInitPlan(plan, styleFor(io.stdout, io.env))}\n`);
    const answer = await ask('Write these files? (yes/no) ', process.stdin, process.stderr, effects.signal);
    return /^y(es)?$/i.test(answer?.trim() ?? '');
  };
}

/** Shows what would be forgotten, and asks; undefined if there is no terminal. */
export function confirmForget({ effects }: CommandSession, io: Io) {
  if (!hasPerson(io)) return {};
  return {
    confirm: async (plan: Receipt): Promise<boolean> => {
      effects.reporter.progress('');
      io.stdout.write(`${receiptText(plan)}\n`);
      const answer = await ask('Forget it? (yes/no) ', process.stdin, process.stderr, effects.signal);
      return /^y(es)?$/i.test(answer?.trim() ?? '');
    },
  };
}

/** Shows what would be pulled, and asks; undefined if there is no terminal. */
export function confirmPull({ effects }: CommandSession, io: Io) {
  if (!hasPerson(io)) return {};
  return {
    confirm: async (plan: PullPlan): Promise<boolean> => {
      effects.reporter.progress('');
      io.stdout.write(`${renderPullPlan(plan, styleFor(io.stdout, io.env))}\n`);
      const answer = await ask('Pull it? (yes/no) ', process.stdin, process.stderr, effects.signal);
      return /^y(es)?$/i.test(answer?.trim() ?? '');
    },
  };
}

const hasPerson = (io: Io): boolean => io.stdout.isTTY === true && process.stdin.isTTY === true && !io.env.CI;

async function typed({ effects }: CommandSession, io: Io, shown: string, target: string): Promise<boolean> {
  effects.reporter.progress('');
  io.stdout.write(`${shown}\n`);
  const answer = await ask(`Type ${target} to continue: `, process.stdin, process.stderr, effects.signal);
  return answer?.trim() === target;
}

/**
 * Reads one line from the terminal; undefined if the input ends (Ctrl-D).
 * @throws InterruptedError on Ctrl-C, which readline receives as a key, not as a signal.
 */
export async function ask(
  question: string,
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
  signal: AbortSignal,
): Promise<string | undefined> {
  const lines = createInterface({ input, output });
  const interrupted = new AbortController();
  lines.once('SIGINT', () => interrupted.abort());
  const ended = once(lines, 'close').then(() => undefined);
  try {
    return await Promise.race([
      lines.question(question, { signal: AbortSignal.any([signal, interrupted.signal]) }),
      ended,
    ]);
  } catch (error) {
    if (signal.aborted || interrupted.signal.aborted) throw new InterruptedError();
    // readline's error for Ctrl-D.
    if (error instanceof Error && error.name === 'AbortError') return undefined;
    throw error;
  } finally {
    lines.close();
  }
}
