import { existsSync } from 'node:fs';
import type { Effects } from '../config/effects.ts';
import type { Paths } from '../config/paths.ts';
import type { CommandResult } from '../config/result.ts';
import { beforeBuild, forgetBuilt, isBuiltFrom, rememberBuilt } from '../engine/built-stamp.ts';
import { EngineClient } from '../engine/client.ts';
import type { ProjectInputs } from '../engine/project-inputs.ts';
import type { GenerateReport } from '../generate/data-set.ts';
import { type LoadReport, load } from '../ingest/load.ts';
import { generateIfEmpty } from '../ingest/sample.ts';
import { requireLocalProfile } from '../toolchain/profile.ts';
import { type BuildReport, buildWith } from './build.ts';
import { type MartsSummary, summarizeMarts } from './summary.ts';

export interface DevOptions {
  readonly paths: Paths;
  /** The share of a file's records, 0 to 1, above which its batch is refused. */
  readonly maxRejected: number;
  /** The share of the records that were there before which a complete file may lack. */
  readonly maxGone?: number;
  readonly fullRefresh: boolean;
  /** Whether to generate the sample if there is no data and never was any; true by default. */
  readonly generates?: boolean;
  /** Whether to summarize the marts at the end; true by default. */
  readonly summarizes?: boolean;
}

export interface DevReport {
  readonly status: 'pass' | 'fail' | 'refused' | 'unchanged';
  /** Only if there was no data. */
  readonly generated?: GenerateReport;
  readonly load: LoadReport;
  /** Omitted if nothing had to be built. */
  readonly build?: BuildReport;
  /** Omitted if the marts are incomplete. */
  readonly marts?: MartsSummary;
  /** Milliseconds. */
  readonly ms: number;
}

/** Loads new data and builds what is stale; then summarizes the marts. */
export async function run(options: DevOptions, effects: Effects): Promise<CommandResult<DevReport>> {
  const engine = new EngineClient(options.paths, effects);
  try {
    return await devWith(engine, options, effects);
  } finally {
    await engine.close();
  }
}

/** Like `run`, with an engine that the caller keeps. */
export async function devWith(
  engine: EngineClient,
  options: DevOptions,
  effects: Effects,
): Promise<CommandResult<DevReport>> {
  const started = effects.clock.elapsed();
  await requireLocalProfile(options.paths, effects.env);
  const before = await beforeBuild(options.paths, effects.env);
  const firstTime = !existsSync(options.paths.database);
  // Importing dbt takes seconds: if it is certainly needed, it starts while the data is read.
  if (firstTime) engine.warmUp().catch(() => undefined);
  const generated =
    options.generates === false || options.paths.pulled !== undefined
      ? undefined
      : await generateIfEmpty(options.paths, effects);
  const loaded = await load({ ...options, publishes: false, optional: true }, effects);
  const base = { ...(generated === undefined ? {} : { generated }), load: loaded.report };
  const ended = (rest: Omit<DevReport, 'load' | 'ms'>): DevReport => ({
    ...base,
    ...rest,
    ms: effects.clock.elapsed() - started,
  });
  if (loaded.exitCode !== 0) return { exitCode: 1, report: ended({ status: 'refused' }) };

  const batch = loaded.report.newestBatch;
  if (!options.fullRefresh && !firstTime && isBuiltFrom(before, batch)) {
    return { exitCode: 0, report: ended({ status: 'unchanged', ...(await marts(options)) }) };
  }
  await forgetBuilt(options.paths);
  const { paths, fullRefresh } = options;
  let inputs: ProjectInputs | undefined;
  const read = (found: ProjectInputs | undefined): void => {
    inputs = found;
  };
  const why = firstTime ? 'the first build' : loaded.report.status === 'loaded' ? 'new data' : 'changed files';
  const built = await buildWith(engine, { paths, fullRefresh, target: 'dev', affected: true, read, why }, effects);
  if (built.exitCode !== 0) return { exitCode: built.exitCode, report: ended({ status: 'fail', build: built.report }) };
  await rememberBuilt(paths, effects.env, before, inputs, batch);
  return { exitCode: 0, report: ended({ status: 'pass', build: built.report, ...(await marts(options)) }) };
}

async function marts({ paths, summarizes = true }: DevOptions): Promise<Pick<DevReport, 'marts'>> {
  const summary = summarizes ? await summarizeMarts(paths) : undefined;
  return summary === undefined ? {} : { marts: summary };
}
