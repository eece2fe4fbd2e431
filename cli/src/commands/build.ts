import { existsSync } from 'node:fs';
import type { Effects } from '../config/effects.ts';
import { MeetupError } from '../config/errors.ts';
import type { Target } from '../config/options.ts';
import type { Paths } from '../config/paths.ts';
import type { CommandResult } from '../config/result.ts';
import { logBuild } from '../engine/build-log.ts';
import { EngineClient } from '../engine/client.ts';
import { unsupportedSentence } from '../engine/problems.ts';
import { buildProgress } from '../engine/progress.ts';
import type { ProjectInputs } from '../engine/project-inputs.ts';
import type { AffectedAnswer, Problem, TaskAnswer, TaskRequest } from '../engine/protocol.ts';
import { isTest, isThere, type NodeVerdict, verdictOf } from '../engine/results.ts';
import { readRawTables } from '../ingest/raw-tables.ts';
import { readContracts } from '../ingest/schemas.ts';
import { withEngineOn } from '../targets/engine-on.ts';
import { remoteTarget } from '../targets/target.ts';
import { requireLocalProfile } from '../toolchain/profile.ts';
import { openWork } from '../warehouse/duckdb.ts';
import { withWriteLock } from '../warehouse/lock.ts';
import { publish } from '../warehouse/publish.ts';

export interface BuildOptions {
  readonly paths: Paths;
  /** `dev` is the working database of the state folder; `rehearsal` is built in place, as dbt itself would. */
  readonly target: Target;
  /** dbt's selection syntax, with several selectors separated by spaces. */
  readonly select?: string | undefined;
  readonly exclude?: string | undefined;
  readonly fullRefresh?: boolean;
  /** Only stale nodes, instead of a selection. */
  readonly affected?: boolean;
  /** Why it runs, for the dashboard; by default its selection. */
  readonly why?: string;
  /** Called with the inputs of an affected build, apart from the data. */
  readonly read?: (inputs: ProjectInputs | undefined) => void;
}

export interface BuildReport {
  readonly status: 'pass' | 'fail';
  readonly models: readonly NodeVerdict[];
  readonly tests: readonly NodeVerdict[];
  /** Models that the target can't run, because they are written for another engine or read such a model. */
  readonly elsewhere: TaskAnswer['elsewhere'];
  /** Why the project can't be read; nothing was built then. */
  readonly problems: readonly Problem[];
  /** Whether the result was published. It isn't if a model failed or was skipped, so that readers never see half of it. */
  readonly published: boolean;
  /** For an affected build: names of nodes that were downstream of a change and yet up to date. */
  readonly spared?: readonly string[];
  /** Milliseconds, from the first request to the last answer. */
  readonly ms: number;
}

/**
 * Builds and tests models once, in dbt's order, on the engine of a running `dev --watch` or on one of its own.
 * @throws MeetupError if there is no data, the selection matches nothing, or the configuration is invalid;
 *   InterruptedError when the signal is aborted.
 */
export async function run(options: BuildOptions, effects: Effects): Promise<CommandResult<BuildReport>> {
  const { target, paths } = options;
  if (target === 'prod') {
    throw new MeetupError(
      'prod is only built by `./meetup deploy --target prod`, which shows a plan, asks for confirmation and can be rolled back.',
    );
  }
  if (target === 'rehearsal') {
    const remote = await remoteTarget(target, paths, effects, { start: true });
    return withEngineOn(remote, paths, effects, (engine) => buildWith(engine, options, effects));
  }
  await requireLocalProfile(options.paths, effects.env);
  const engine = new EngineClient(options.paths, effects);
  try {
    // dbt takes seconds to import; meanwhile the lock is taken and the raw tables are checked. A failure is reported by the build.
    engine.warmUp().catch(() => undefined);
    return await buildWith(engine, options, effects);
  } finally {
    await engine.close();
  }
}

/** Like `run`, with an engine that the caller keeps. */
export async function buildWith(
  engine: EngineClient,
  options: BuildOptions,
  effects: Effects,
): Promise<CommandResult<BuildReport>> {
  if (options.target !== 'dev') return resultOf(await ask(engine, options, effects), false, options);
  return withWriteLock(options.paths, effects, async () => {
    await requireRawTables(options.paths);
    const started = effects.clock.elapsed();
    const answer = await ask(engine, options, effects);
    const endedAt = effects.clock.now();
    await logBuild(options.paths, { answer, why: whyOf(options), ms: effects.clock.elapsed() - started, endedAt });
    options.read?.(answer.inputs);
    const whole = answer.nodes.every((node) => isTest(node) || isThere(node));
    // If nothing is published yet, an incomplete result is better than none.
    const due = answer.status !== 'invalid' && (whole || !existsSync(options.paths.database));
    if (due) {
      effects.reporter.progress('publishing');
      await publish(options.paths);
    }
    return resultOf(answer, due, options);
  });
}

/** Why the build runs, in a few words. */
function whyOf({ why, select, exclude, fullRefresh = false }: BuildOptions): string {
  if (why !== undefined) return fullRefresh ? 'full refresh' : why;
  const parts = [
    ...(select === undefined ? [] : [`--select ${select}`]),
    ...(exclude === undefined ? [] : [`--exclude ${exclude}`]),
    ...(fullRefresh ? ['--full-refresh'] : []),
  ];
  return parts.length === 0 ? 'everything was asked for' : parts.join(' ');
}

type Answer = TaskAnswer & Partial<Pick<AffectedAnswer, 'spared' | 'inputs'>>;

async function ask(engine: EngineClient, options: BuildOptions, effects: Effects): Promise<Answer> {
  const request: TaskRequest = {
    target: options.target,
    fullRefresh: options.fullRefresh ?? false,
    writeArtifacts: true,
    ...(options.select === undefined ? {} : { select: words(options.select) }),
    ...(options.exclude === undefined ? {} : { exclude: words(options.exclude) }),
  };
  effects.reporter.progress('starting dbt');
  const progress = buildProgress(effects);
  const requestOptions = {
    onEvent: progress.take,
    onRestart: (reason: string) => {
      effects.reporter.warn(
        `The dbt engine stopped unexpectedly (${reason.replace(/\.$/, '')}): restarting the build.`,
      );
      progress.reset();
    },
  };
  return options.affected ? engine.affected(request, requestOptions) : engine.build(request, requestOptions);
}

/** A project without JSON Schemas brings its data itself: in seeds, hooks and external files. */
async function requireRawTables(paths: Paths): Promise<void> {
  if ((await readContracts(paths.schemas)).size === 0) return (await openWork(paths)).close();
  const nothing = new MeetupError(
    `There is no data to build from in ${paths.state} yet: run \`./meetup load\` first, or \`./meetup dev\`, which loads and builds.`,
  );
  if (!existsSync(paths.workDatabase)) throw nothing;
  const warehouse = await openWork(paths);
  try {
    const { rows } = await warehouse.query(
      `select table_name from information_schema.tables where table_schema = 'raw'`,
    );
    const present = new Set(rows.map(([name]) => name));
    const rawTables = await readRawTables(paths.schemas);
    if (rawTables.some(({ name }) => !present.has(name))) throw nothing;
  } finally {
    await warehouse.close();
  }
}

function resultOf(answer: Answer, published: boolean, options: BuildOptions): CommandResult<BuildReport> {
  const [first] = answer.problems;
  if (first?.kind === 'environment') throw new MeetupError(first.message);
  if (first?.kind === 'unsupported') throw new MeetupError(unsupportedSentence(first));
  if (first?.kind === 'config') throw new MeetupError(sentence(first));
  if (!options.affected && answer.status !== 'invalid' && answer.nodes.length === 0) throw nothingSelected(options);
  const failed = answer.status !== 'pass';
  return {
    // If dbt can't read the project, nothing was built or tested, so nothing was found either.
    exitCode: answer.status === 'invalid' ? 2 : failed ? 1 : 0,
    report: {
      status: failed ? 'fail' : 'pass',
      models: answer.nodes.filter((node) => !isTest(node) && node.status !== 'no-op').map(verdictOf),
      tests: answer.nodes.filter(isTest).map(verdictOf),
      elsewhere: answer.elsewhere,
      problems: answer.problems,
      published,
      ...(answer.spared === undefined ? {} : { spared: answer.spared.map(({ name }) => name) }),
      ms: answer.ms.total ?? 0,
    },
  };
}

function sentence(problem: Problem): string {
  const line = problem.line === null ? '' : `:${problem.line}`;
  const where = problem.file === null ? '' : ` in ${problem.file}${line}`;
  return `The dbt project's configuration is invalid${where}: ${problem.message.replaceAll(/\s+/g, ' ')}`;
}

function nothingSelected(options: BuildOptions): MeetupError {
  const given = [
    options.select === undefined ? '' : ` --select '${options.select}'`,
    options.exclude === undefined ? '' : ` --exclude '${options.exclude}'`,
  ].join('');
  return new MeetupError(
    given === ''
      ? `The dbt project in ${options.paths.dbtProject} has no models.`
      : `Nothing in the dbt project matches${given}: check the names, or leave the selection out to build everything.`,
  );
}

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');
