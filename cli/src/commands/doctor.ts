import type { Effects } from '../config/effects.ts';
import { InterruptedError, messageOf } from '../config/errors.ts';
import type { Target } from '../config/options.ts';
import type { Paths } from '../config/paths.ts';
import type { CommandResult } from '../config/result.ts';
import { type Check, type CheckStatus, type DoctorContext, fail } from '../toolchain/checks/check.ts';
import { checkDbtEnv, checkDuckDb } from '../toolchain/checks/dbt-env.ts';
import { checkGit, checkJava, checkNode, checkNpm, checkPython } from '../toolchain/checks/programs.ts';
import { checkDatabase, checkDisk, checkLocks, checkStateFolder } from '../toolchain/checks/state.ts';
import { checkTarget } from '../toolchain/checks/target.ts';

export interface DoctorOptions {
  readonly paths: Paths;
  readonly target: Target;
}

export interface DoctorReport {
  /** The worst of all checks. */
  readonly status: CheckStatus;
  readonly checks: readonly Check[];
}

/** In the order of the report. */
const CHECKS: readonly [name: string, check: (context: DoctorContext) => Promise<Check | Check[]>][] = [
  ['Node', checkNode],
  ['npm', checkNpm],
  ['Python', checkPython],
  ["dbt's environment", checkDbtEnv],
  ['DuckDB', checkDuckDb],
  ['Database', checkDatabase],
  ['State folder', checkStateFolder],
  ['Disk', checkDisk],
  ['Running', checkLocks],
  ['Profile', checkTarget],
  ['Java', checkJava],
  ['git', checkGit],
];

/**
 * Checks the machine, the toolchain and the target's profile in parallel, and changes nothing. A check that throws counts
 * as failed, and the others continue.
 */
export async function run(options: DoctorOptions, effects: Effects): Promise<CommandResult<DoctorReport>> {
  effects.reporter.progress('Checking the machine, the toolchain and the profile …');
  const context = { ...options, effects };
  const found = await Promise.all(CHECKS.map(([name, check]) => guarded(name, () => check(context))));
  if (effects.signal.aborted) throw new InterruptedError();
  const checks = found.flat();
  const status = worst(checks);
  return { exitCode: status === 'fail' ? 1 : 0, report: { status, checks } };
}

async function guarded(name: string, check: () => Promise<Check | Check[]>): Promise<Check | Check[]> {
  try {
    return await check();
  } catch (error) {
    return fail(
      name,
      `could not be checked: ${messageOf(error).split('\n')[0]}`,
      'run it again with --verbose and report the error',
    );
  }
}

function worst(checks: readonly Check[]): CheckStatus {
  const statuses = new Set(checks.map(({ status }) => status));
  return statuses.has('fail') ? 'fail' : statuses.has('warn') ? 'warn' : 'ok';
}
