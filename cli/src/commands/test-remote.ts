import { join, relative } from 'node:path';
import type { Effects } from '../config/effects.ts';
import { MeetupError } from '../config/errors.ts';
import { namePattern } from '../config/options.ts';
import type { Paths } from '../config/paths.ts';
import type { CommandResult } from '../config/result.ts';
import { styleFor } from '../text/style.ts';
import { renderFixture } from '../text/unit-test-result.ts';
import { differenceOf } from '../unit-tests/remote/difference.ts';
import { type RemoteVerdict, runOnRehearsal } from '../unit-tests/remote/run.ts';
import type { TestReport, TestVerdict } from './test.ts';

export interface RemoteTestOptions {
  readonly paths: Paths;
  readonly target: 'rehearsal' | 'prod';
  /** Regular expressions: only fixtures whose model and name match one of them. */
  readonly select?: readonly string[] | undefined;
}

/**
 * Runs the fixtures of the models on the rehearsal, through dbt-databricks.
 * @throws MeetupError for target prod, for an unknown selection, and if the rehearsal or the project can't be used.
 */
export async function run(options: RemoteTestOptions, effects: Effects): Promise<CommandResult<TestReport>> {
  if (options.target === 'prod') {
    throw new MeetupError(
      "Fixtures don't run on prod: they need none of its data and would create schemas there. Use --target rehearsal, which runs the same SQL on the same adapter.",
    );
  }
  const started = effects.clock.elapsed();
  const pattern = namePattern(options.select);
  const verdicts = await runOnRehearsal(
    { paths: options.paths, isSelected: ({ model, name }) => pattern?.test(`${model} ${name}`) ?? true },
    effects,
  );
  if (verdicts.length === 0)
    throw new MeetupError(`No fixture matches --select '${options.select?.join("' '") ?? ''}'.`);
  const tests = verdicts.map((verdict) => verdictOf(verdict, options.paths));
  const status = tests.every((test) => test.status === 'pass') ? 'pass' : 'fail';
  return { exitCode: status === 'pass' ? 0 : 1, report: { status, tests, ms: effects.clock.elapsed() - started } };
}

/** Options of `test` that only work in memory. */
const LOCAL_ONLY = ['all', 'only', 'junit', 'watch', 'mutate', 'coverage'] as const;

/** @throws MeetupError that names the first option which only works on target dev. */
export function refuseLocalOnly(options: Readonly<Record<string, unknown>>): void {
  const given = LOCAL_ONLY.find((name) => options[name] !== undefined && options[name] !== false);
  if (given !== undefined) {
    throw new MeetupError(`--${given} works on fixtures in memory only: leave out --target, or leave out --${given}.`);
  }
}

function verdictOf({ fixture, result }: RemoteVerdict, paths: Paths): TestVerdict {
  const file = relative(paths.root, join(paths.dbtProject, fixture.file ?? ''));
  const status = result.status === 'pass' ? 'pass' : 'fail';
  const verdict: TestVerdict = {
    name: `${file} > ${fixture.model} ${fixture.name}`,
    status,
    ms: Math.round(result.ms),
  };
  if (status === 'pass') return verdict;
  const shown = renderFixture(
    {
      ...fixture,
      status: result.status === 'fail' ? 'fail' : 'error',
      ms: result.ms,
      message: result.message,
      ...(result.problem === undefined ? {} : { problem: result.problem }),
      ...(result.diff === undefined ? {} : { difference: differenceOf(result.diff) }),
    },
    styleFor({}, { NO_COLOR: '1' }),
  );
  return { ...verdict, message: `${file}:${fixture.line ?? 1}\n${shown}` };
}
