import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import type { Effects } from '../config/effects.ts';
import { InterruptedError, MeetupError } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import type { CommandResult } from '../config/result.ts';
import { EngineClient } from '../engine/client.ts';
import { announcedEngine } from '../engine/location.ts';

export interface TestOptions {
  readonly paths: Paths;
  /** The CLI's own tests too, not just the models'. */
  readonly all: boolean;
  /** Where to write a JUnit report. */
  readonly junit?: string | undefined;
  /** Only tests whose name or file matches. */
  readonly select?: string | undefined;
  /** Only test files whose path contains one of these. */
  readonly files?: readonly string[];
  /** Stay, and run what a change affects again, until interrupted. */
  readonly watch?: boolean;
}

export interface TestVerdict {
  readonly name: string;
  readonly status: 'pass' | 'fail' | 'skip';
  /** Milliseconds. */
  readonly ms: number;
  readonly message?: string;
}

export interface TestReport {
  readonly status: 'pass' | 'fail';
  readonly tests: readonly TestVerdict[];
  readonly ms: number;
}

/** The part of vitest's JSON report that is used here: https://vitest.dev/guide/reporters#json-reporter */
const vitestReport = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string().default(''),
      assertionResults: z.array(
        z.object({
          fullName: z.string(),
          status: z.string(),
          duration: z.number().nullish(),
          failureMessages: z.array(z.string()).nullish(),
        }),
      ),
    }),
  ),
});

/** Runs the tests through vitest, whose own reporter shows them on stderr while they run. */
export async function run(options: TestOptions, effects: Effects): Promise<CommandResult<TestReport>> {
  const started = effects.clock.elapsed();
  const folder = await mkdtemp(join(tmpdir(), 'meetup-vitest-'));
  const engine = await lendEngine(options.paths, folder, effects);
  try {
    const reportFile = join(folder, 'report.json');
    const child = await execa(
      'node',
      [join(options.paths.root, 'node_modules/vitest/vitest.mjs'), ...vitestArguments(options, reportFile)],
      {
        cwd: options.paths.root,
        reject: false,
        stdin: 'ignore',
        // Our own stdout is for the result alone.
        stdout: 2,
        stderr: 2,
        env: {
          MEETUP_TOOLCHAIN_DIR: options.paths.toolchain,
          MEETUP_STATE_DIR: options.paths.state,
          MEETUP_ENGINE_DIR: engine.folder,
        },
        cancelSignal: effects.signal,
        gracefulCancel: false,
      },
    );
    if (effects.signal.aborted) throw new InterruptedError();
    const tests = await readVerdicts(reportFile, options.paths.root);
    if (tests.length === 0)
      throw new MeetupError('vitest ran no test: see its own message above, or choose others with --select.');
    const status = child.exitCode === 0 && tests.every((test) => test.status !== 'fail') ? 'pass' : 'fail';
    return { exitCode: status === 'pass' ? 0 : 1, report: { status, tests, ms: effects.clock.elapsed() - started } };
  } finally {
    await engine.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * The engine that the fixtures run on: a running `dev --watch`'s, or one that imports dbt while vitest starts and stays
 * warm from run to run of `--watch`. It is known in `folder` alone, so that nobody else depends on it.
 */
async function lendEngine(
  paths: Paths,
  folder: string,
  effects: Effects,
): Promise<{ folder: string; close(): Promise<void> }> {
  if ((await announcedEngine(paths)) !== undefined) return { folder: paths.state, close: async () => undefined };
  const engine = new EngineClient({ ...paths, state: folder }, effects, { shared: true });
  await engine.warmUp();
  return { folder, close: () => engine.close() };
}

function vitestArguments(options: TestOptions, reportFile: string): string[] {
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`];
  if (options.junit !== undefined) reporters.push('--reporter=junit', `--outputFile.junit=${options.junit}`);
  return [
    options.watch === true ? 'watch' : 'run',
    ...(options.files ?? []),
    ...(options.all ? [] : ['--project', 'fixtures']),
    ...reporters,
    ...(options.select === undefined ? [] : ['--testNamePattern', options.select]),
  ];
}

async function readVerdicts(reportFile: string, root: string): Promise<TestVerdict[]> {
  let text: string;
  try {
    text = await readFile(reportFile, 'utf8');
  } catch (error) {
    throw new MeetupError('vitest ended without a report: see its own message above.', { cause: error });
  }
  const { testResults } = vitestReport.parse(JSON.parse(text));
  return testResults.flatMap((file): TestVerdict[] => {
    const name = file.name.replace(`${root}/`, '');
    // A file that could not be imported, or whose set-up failed, has failed without any of its tests failing.
    const isBroken = file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed');
    const broken: TestVerdict[] = isBroken ? [{ name, status: 'fail', ms: 0, message: file.message }] : [];
    const verdicts = file.assertionResults.map(
      (test): TestVerdict => ({
        name: `${name} > ${test.fullName}`,
        status: test.status === 'passed' ? 'pass' : test.status === 'failed' ? 'fail' : 'skip',
        ms: Math.round(test.duration ?? 0),
        ...(test.failureMessages?.length ? { message: test.failureMessages.join('\n') } : {}),
      }),
    );
    return [...broken, ...verdicts];
  });
}
