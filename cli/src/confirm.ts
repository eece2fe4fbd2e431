import { createInterface } from 'node:readline/promises';
import type { DeployPlan } from './deploy/plan/plan.ts';
import type { RollbackGoal } from './deploy/rollback.ts';
import { renderPlan } from './report/deploy.ts';
import { styleFor } from './report/style.ts';
import type { CommandSession, Io } from './session.ts';

/** Shows a plan and has the target's name typed; undefined where nobody sits at a terminal. */
export function confirmPlan(session: CommandSession, io: Io) {
  if (!hasPerson(io)) return {};
  return {
    confirm: (plan: DeployPlan) => typed(session, io, renderPlan(plan, styleFor(io.stdout, io.env)), plan.target),
  };
}

/** The same before a rollback. */
export function confirmRollback(session: CommandSession, io: Io) {
  if (!hasPerson(io)) return {};
  return {
    confirm: ({ from, to }: RollbackGoal, target: string) =>
      typed(session, io, `${target} goes back from ${from} to ${to ?? 'before its first deployment'}.`, target),
  };
}

const hasPerson = (io: Io): boolean => io.stdout.isTTY === true && process.stdin.isTTY === true && !io.env.CI;

async function typed({ effects }: CommandSession, io: Io, shown: string, target: string): Promise<boolean> {
  effects.reporter.progress('');
  io.stdout.write(`${shown}\n`);
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await lines.question(`Type ${target} to go on: `, { signal: effects.signal });
    return answer.trim() === target;
  } finally {
    lines.close();
  }
}
