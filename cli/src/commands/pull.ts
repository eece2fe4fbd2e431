import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Effects } from '../config/effects.ts';
import { InterruptedError, MeetupError } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import { processName } from '../config/processes.ts';
import type { Pulled } from '../config/pulled.ts';
import type { CommandResult } from '../config/result.ts';
import type { EngineClient } from '../engine/client.ts';
import { requireReadable } from '../engine/problems.ts';
import { type Choice, wordsOf } from '../pull/choice.ts';
import { type Closure, closureOf, type Seed } from '../pull/closure.ts';
import { type FailingTest, failingTest, seedsOfTest } from '../pull/failing-test.ts';
import { type PullManifest, readPullManifest, sourcesInUse } from '../pull/manifest.ts';
import { type LocalProject, readLocalProject } from '../pull/open-sources.ts';
import { type Received, receive, withoutPersons } from '../pull/receive.ts';
import { relationsOf } from '../pull/references.ts';
import { type Limits, type PlannedTable, planReadings, type Reading, requireWithin } from '../pull/sample-plan.ts';
import { seedsOf } from '../pull/seeds.ts';
import { findSourceTables, type SourceTable } from '../pull/source-tables.ts';
import { dropSample, writeSample } from '../pull/write-sample.ts';
import { withEngineOn } from '../targets/engine-on.ts';
import { connectTarget, type RemoteName, type RemoteTarget, remoteTarget } from '../targets/target.ts';
import type { Kept } from '../test-new/anonymise.ts';
import { plural } from '../text/text.ts';
import { requireLocalProfile } from '../toolchain/profile.ts';
import type { DatabricksConnection } from '../warehouse/databricks.ts';
import { tryLock, withLock } from '../warehouse/lock.ts';

export interface PullOptions extends Limits {
  readonly paths: Paths;
  readonly target: RemoteName;
  /** Whose rows are brought; none if a test chooses them. */
  readonly choice?: Choice | undefined;
  /** A data test that fails on the target: the rows behind its failing rows are brought. */
  readonly test?: string | undefined;
  /** Stops after the plan. */
  readonly planOnly?: boolean | undefined;
  readonly yes?: boolean | undefined;
  /** Asks for confirmation; undefined if there is no terminal. */
  readonly confirm?: (plan: PullPlan) => Promise<boolean>;
}

/** What would be brought. */
export interface PullPlan {
  readonly target: RemoteName;
  /** How the rows are chosen, in a few words and without values. */
  readonly chosen: string;
  readonly tables: readonly PlannedTable[];
  readonly rows: number;
  readonly bytes: number;
  /** References in a circle that are not followed to their end. */
  readonly cut: readonly string[];
  /** Columns of types that DuckDB doesn't have, which are null. */
  readonly left: readonly string[];
}

export interface PullReport extends PullPlan {
  readonly status: 'planned' | 'declined' | 'pulled';
  /** The named values of the key, and what they became. */
  readonly keys: readonly { readonly given: string; readonly here: string }[];
  /** Values that were kept as they are, and why. */
  readonly kept: readonly Kept[];
  /** Milliseconds. */
  readonly ms: number;
}

export interface DropReport {
  readonly status: 'dropped' | 'nothing';
}

/** Goes back from a pulled sample to the loaded files, which it never touched. */
export async function drop(paths: Paths, effects: Effects): Promise<CommandResult<DropReport>> {
  await whileNobodyWatches(paths, () => withLock(paths, effects, () => dropSample(paths)));
  return { exitCode: 0, report: { status: paths.pulled === undefined ? 'nothing' : 'dropped' } };
}

/**
 * Brings a small, closed sample of a target's sources, without personal data, and makes it the local data in place of loaded files, which
 * stay as they are. Reads the target only.
 * @throws MeetupError if the target can't be reached, lacks a source, has no such rows or too many, or nobody confirms.
 */
export async function run(options: PullOptions, effects: Effects): Promise<CommandResult<PullReport>> {
  const started = effects.clock.elapsed();
  requireChoice(options);
  const { paths } = options;
  await requireLocalProfile(paths, effects.env);
  return whileNobodyWatches(paths, async () => {
    const remote = await remoteTarget(options.target, paths, effects, { start: true });
    effects.reporter.progress('reading the project');
    const project = await readLocalProject(paths, options.target, effects);
    const connection = await connectTarget(remote, effects);
    try {
      const surveying = { remote, project, connection, effects };
      const survey = await surveyTarget(options, surveying);
      const outcome = await bring(options, survey, surveying);
      const ms = Math.round(effects.clock.elapsed() - started);
      return { exitCode: outcome.status === 'declined' ? 1 : 0, report: { ...survey.plan, ...outcome, ms } };
    } finally {
      await connection.close();
    }
  });
}

/** Brings the rows of a plan, unless the plan is all that is wanted. */
async function bring(
  options: PullOptions,
  { plan, readings, seeds }: Survey,
  { project, connection, effects }: Surveying,
): Promise<Pick<PullReport, 'status' | 'keys' | 'kept'>> {
  const nothing = { keys: [], kept: [] };
  if (options.planOnly) return { status: 'planned', ...nothing };
  if (!options.yes && !((await options.confirm?.(plan)) ?? false)) return { status: 'declined', ...nothing };
  const { paths } = options;
  const { reporter, signal } = effects;
  reporter.progress(`reading ${plural(plan.rows, 'row')}`);
  const received = await receive(connection, readings, options, { signal });
  const { received: replaced, kept } = withoutPersons(received, project);
  if (signal.aborted) throw new InterruptedError();
  reporter.progress('writing the local database');
  const pulled = stampOf(plan, effects);
  await withLock(paths, effects, () => writeSample(paths, replaced, project.rawTables, pulled));
  // What a test chose may be a person's, and nobody has named it.
  const named = options.choice === undefined ? [] : seeds;
  return { status: 'pulled', keys: keysHere(named, received, replaced), kept };
}

interface Surveying {
  readonly remote: RemoteTarget;
  readonly project: LocalProject;
  readonly connection: DatabricksConnection;
  readonly effects: Effects;
}

interface Survey {
  readonly plan: PullPlan;
  readonly readings: readonly Reading[];
  readonly seeds: readonly Seed[];
}

/** Decides on the target which rows belong together, and counts them. */
async function surveyTarget(
  options: PullOptions,
  { remote, project, connection, effects }: Surveying,
): Promise<Survey> {
  const on = { signal: effects.signal };
  const { manifest: there, test } = await withEngineOn(remote, options.paths, effects, (engine) =>
    readTarget(engine, options),
  );
  effects.reporter.progress(`looking at the sources on ${remote.name}`);
  const used = [...sourcesInUse(project.manifest)];
  const sources = await findSourceTables({ ...remote, connection }, there, project, used, on);
  const relations = relationsOf({ ...project, tables: sources });
  const seeds =
    test === undefined
      ? seedsOf(requiredChoice(options), sources, relations)
      : await seedsOfTest(
          { test, there, project, tables: sources, relations, connection, catalog: remote.catalog },
          on,
        );
  const needed = test?.sources ?? new Set(used);
  const closure = closureOf(
    sources.filter(({ id }) => needed.has(id)),
    relations.references,
    seeds.filter(({ table }) => needed.has(table)),
  );
  const ignored = new Set(sources.map(({ id }) => id).filter((id) => !needed.has(id) && !isBookkeeping(id, sources)));
  const readings = await planReadings(connection, sources, closure, ignored, on);
  requireWithin(readings, new Set(seeds.map(({ table }) => table)), options);
  return { plan: planOf(options, readings, closure), readings, seeds };
}

/** The tables in which `load` keeps account of itself belong to every sample. */
const isBookkeeping = (id: string, sources: readonly SourceTable[]): boolean =>
  sources.some((one) => one.id === id && one.schema === 'raw' && ['batches', 'loaded_files'].includes(one.table));

async function readTarget(
  engine: EngineClient,
  { paths, target, test }: PullOptions,
): Promise<{ manifest: PullManifest; test: FailingTest | undefined }> {
  const manifestFile = join(paths.state, 'pull', `manifest.${target}.json`);
  requireReadable(await engine.changes({ target, manifestFile }));
  const manifest = await readPullManifest(manifestFile);
  return {
    manifest,
    test: test === undefined ? undefined : await failingTest(test, manifest, engine, { paths, target }),
  };
}

function planOf({ target, choice, test }: PullOptions, readings: readonly Reading[], { cut }: Closure): PullPlan {
  const tables = readings.map(({ planned }) => planned);
  return {
    target,
    chosen: choice === undefined ? `what ${test} finds` : wordsOf(choice),
    tables,
    rows: tables.reduce((sum, { rows }) => sum + rows, 0),
    bytes: tables.reduce((sum, { bytes }) => sum + bytes, 0),
    cut,
    left: readings.flatMap(({ table }) => table.left.map((column) => `${table.name}.${column}`)),
  };
}

function stampOf({ target, chosen, rows }: PullPlan, effects: Effects): Pulled {
  return {
    version: 1,
    folder: `pulled-${randomBytes(6).toString('hex')}`,
    from: target,
    at: new Date(effects.clock.now()).toISOString(),
    chosen,
    rows,
  };
}

/** What the named keys became: whoever named them can find them again. Nothing of this is stored. */
function keysHere(
  seeds: readonly Seed[],
  received: readonly Received[],
  replaced: readonly Received[],
): PullReport['keys'] {
  const found = new Map<string, string>();
  for (const { table, column, wanted } of seeds) {
    const index = received.findIndex((one) => one.table.id === table);
    const [before, after] = [received[index], replaced[index]];
    const at = before?.table.brought.findIndex(({ name }) => name === column) ?? -1;
    if (wanted.kind !== 'values' || at === -1) continue;
    for (const [row, cells] of (before?.rows.rows ?? []).entries()) {
      const given = String(cells[at]);
      if (wanted.values.includes(given)) found.set(given, String(after?.rows.rows[row]?.[at]));
    }
  }
  return [...found].map(([given, here]) => ({ given, here }));
}

/** A `dev --watch` would go on with what was the local data when it started. */
async function whileNobodyWatches<Result>(paths: Paths, work: () => Promise<Result>): Promise<Result> {
  const lock = await tryLock(paths, 'watch');
  if ('heldBy' in lock) {
    throw new MeetupError(
      `\`meetup dev --watch\` or another \`meetup pull\` is running in ${processName(lock.heldBy)} on the local data: end it first.`,
    );
  }
  try {
    return await work();
  } finally {
    lock.release();
  }
}

function requireChoice({ choice, test, planOnly, yes, confirm, target }: PullOptions): void {
  if ((choice === undefined) === (test === undefined)) {
    throw new MeetupError(
      'Choose what to pull with one of --keys KEY=VALUE,VALUE, --sample KEY=SHARE and --test NAME, or go back with --drop.',
    );
  }
  if (planOnly || yes || confirm !== undefined) return;
  throw new MeetupError(
    `There is no terminal to confirm what is pulled: look at it with \`./meetup pull --target ${target} --plan\`, then pull with --yes.`,
  );
}

function requiredChoice({ choice }: PullOptions): Choice {
  if (choice === undefined) throw new Error('There is neither a choice nor a test.');
  return choice;
}
