import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Effects } from '../config/effects.ts';
import { MeetupError } from '../config/errors.ts';
import { namePattern } from '../config/options.ts';
import { isCheckout, isOwnProject, type Paths, projectRoot } from '../config/paths.ts';
import type { CommandResult } from '../config/result.ts';
import { makeTemporaryFolder } from '../config/temporary-folder.ts';
import { EngineClient } from '../engine/client.ts';
import { announcedEngine } from '../engine/location.ts';
import { hasTests, type TestPart } from '../unit-tests/parts.ts';
import { runVitest } from '../unit-tests/vitest/run-vitest.ts';
import { type TestVerdict, verdictsOf } from '../unit-tests/vitest/verdicts.ts';

/** The parts of the models' tests, with the vitest file of each. */
export const FILE_OF_PART = {
  fixtures: isCheckout ? 'cli/model-tests/unit-tests.fixtures.ts' : 'dist/model-tests/unit-tests.fixtures.js',
  scenarios: isCheckout ? 'cli/model-tests/scenarios.fixtures.ts' : 'dist/model-tests/scenarios.fixtures.js',
} as const satisfies Readonly<Record<TestPart, string>>;

export interface TestOptions {
  readonly paths: Paths;
  /** The CLI's own tests too, not just the models'. */
  readonly all: boolean;
  /** Where to write a JUnit report. */
  readonly junit?: string | undefined;
  /** Regular expressions: only tests whose name matches one of them. */
  readonly select?: readonly string[] | undefined;
  /** Only this part of the models' tests. */
  readonly only?: TestPart | undefined;
  /** Keep running, and rerun what a change affects, until interrupted. */
  readonly watch?: boolean;
}

export type { TestVerdict };

export interface TestReport {
  readonly status: 'pass' | 'fail';
  readonly tests: readonly TestVerdict[];
  readonly ms: number;
}

/** Runs the tests through vitest, whose own reporter shows them on stderr while they run. */
export async function run(options: TestOptions, effects: Effects): Promise<CommandResult<TestReport>> {
  const started = effects.clock.elapsed();
  const { paths } = options;
  if (options.all && !isCheckout) {
    throw new MeetupError("--all runs the CLI's own tests, which are not in the installed package: leave it out.");
  }
  const pattern = namePattern(options.select);
  const folder = await makeTemporaryFolder('meetup-vitest-');
  const engine = await lendEngine(paths, folder, effects);
  try {
    const files = await testFiles(options, engine.folder, effects);
    const { testModules, unhandledErrors } = await runVitest(
      {
        root: projectRoot,
        project: options.all ? undefined : 'fixtures',
        files,
        ...(isCheckout ? {} : { compiled: files }),
        namePattern: pattern?.source,
        junit: options.junit,
        watch: options.watch ?? false,
        watched: isOwnProject(paths) ? [] : [paths.dbtProject, paths.fixtures, paths.scenarios],
        cache: join(paths.state, 'vitest'),
        env: {
          MEETUP_TOOLCHAIN_DIR: paths.toolchain,
          MEETUP_STATE_DIR: paths.state,
          MEETUP_PROJECT_DIR: paths.root,
          MEETUP_ENGINE_DIR: engine.folder,
        },
      },
      effects,
    );
    // A project that can't be read has no verdicts: nothing ran.
    const unread = testModules.flatMap((module) => module.errors()).find(({ name }) => name === 'MeetupError');
    if (unread !== undefined) throw new MeetupError(unread.message);
    const tests = testModules.flatMap(verdictsOf);
    requireTests(tests, options.select);
    const passed = unhandledErrors.length === 0 && tests.every((test) => test.status !== 'fail');
    const status = passed ? 'pass' : 'fail';
    return { exitCode: passed ? 0 : 1, report: { status, tests, ms: effects.clock.elapsed() - started } };
  } finally {
    await engine.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * The vitest files of the parts that the project has tests of; none means all files.
 * @throws MeetupError if it has none.
 */
async function testFiles(
  { paths, all, only, watch }: TestOptions,
  engineFolder: string,
  effects: Effects,
): Promise<string[]> {
  if (all) return [];
  const asked = only === undefined ? (['fixtures', 'scenarios'] as const) : [only];
  const found: TestPart[] = [];
  for (const part of asked) {
    // The first unit test may be written while its absence is watched.
    const awaited = watch === true && part === 'fixtures';
    if (awaited || (await hasTests(part, { ...paths, state: engineFolder, local: engineFolder }, effects)))
      found.push(part);
  }
  if (found.length > 0) return found.map((part) => FILE_OF_PART[part]);
  throw new MeetupError(
    `There are no ${asked.join(' or ')} in the project: \`./meetup test new <model>\` writes a unit test from local data into ${paths.fixtures}, and scenarios belong into ${paths.scenarios}.`,
  );
}

/** vitest counts tests whose name doesn't match as skipped. */
function requireTests(tests: readonly TestVerdict[], select: readonly string[] | undefined): void {
  if (select !== undefined && tests.every(({ status }) => status === 'skip')) {
    throw new MeetupError(
      `No test matches --select '${select.join("' '")}': check the names, or leave it out to run all.`,
    );
  }
  if (tests.length === 0) throw new MeetupError('vitest ran no tests: see its message above.');
}

/**
 * The engine that the fixtures run on: that of a running `dev --watch`, or a new one that imports dbt while vitest starts
 * and stays warm between the runs of `--watch`. It is only announced in `folder`, so that nobody else depends on it.
 */
async function lendEngine(
  paths: Paths,
  folder: string,
  effects: Effects,
): Promise<{ folder: string; close(): Promise<void> }> {
  if ((await announcedEngine(paths)) !== undefined) return { folder: paths.state, close: async () => undefined };
  const engine = new EngineClient({ ...paths, state: folder, local: folder }, effects, { shared: true });
  await engine.warmUp();
  return { folder, close: () => engine.close() };
}
