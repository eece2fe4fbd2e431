import { existsSync } from 'node:fs';
import type { Effects } from '../config/effects.ts';
import { MeetupError } from '../config/errors.ts';
import { DEFAULT_MAX_REJECTED } from '../config/options.ts';
import type { Paths } from '../config/paths.ts';
import { beforeBuild, forgetBuilt, rememberBuilt } from '../engine/built-stamp.ts';
import type { EngineClient } from '../engine/client.ts';
import { requireReadable } from '../engine/problems.ts';
import { buildProgress } from '../engine/progress.ts';
import type { ChangesAnswer, NodeResult, Problem, TaskAnswer } from '../engine/protocol.ts';
import { isTest, isThere } from '../engine/results.ts';
import { load } from '../ingest/load.ts';
import { generateIfEmpty } from '../ingest/sample.ts';
import { withWriteLock } from '../warehouse/lock.ts';
import { publish } from '../warehouse/publish.ts';
import { type Base, differsFrom } from './base.ts';
import { type BaseCheckout, projectPathspecs } from './base-project.ts';
import { emptyPlan, planSlimBuild, type SlimPlan } from './slim-plan.ts';

export interface SlimOutcome {
  readonly status: 'pass' | 'fail';
  readonly plan: SlimPlan;
  /** Why everything counts as new, if it does. */
  readonly everything?: string;
  readonly nodes: readonly NodeResult[];
  readonly problems: readonly Problem[];
  /** Names of nodes that have been failing since an earlier build and were not run again. */
  readonly stillFailing: readonly string[];
}

/**
 * Builds and tests what differs from the base, on the local data. If marts exist, stale nodes are built too, as `dev`
 * would, and the result is published; otherwise only the upstream models of the changed ones are built.
 * @throws MeetupError if the data is refused or the project can't be read.
 */
export async function slimBuild(
  engine: EngineClient,
  paths: Paths,
  base: Base,
  checkout: BaseCheckout,
  effects: Effects,
): Promise<SlimOutcome> {
  if (base.kind === 'commit' && !(await differsFrom(paths.root, base.commit, projectPathspecs(paths)))) {
    return { status: 'pass', plan: emptyPlan, nodes: [], problems: [], stillFailing: [] };
  }
  engine.warmUp().catch(() => undefined);
  const { plan, everything } = await planWith(engine, base, checkout, effects);
  const known = { plan, ...(everything === undefined ? {} : { everything }) };
  if (plan.changed.length + plan.tests.length === 0) {
    return { ...known, status: 'pass', nodes: [], problems: [], stillFailing: [] };
  }
  const batch = await loadLocal(paths, effects);
  const built = existsSync(paths.database)
    ? await onMarts(engine, paths, plan, batch, effects)
    : await fromNothing(engine, paths, plan, effects);
  return { ...known, ...built };
}

/** The differences from the base. If dbt can't read the base, everything counts as new. */
async function planWith(
  engine: EngineClient,
  base: Base,
  checkout: BaseCheckout,
  effects: Effects,
): Promise<{ plan: SlimPlan; everything?: string }> {
  const all = async (everything: string) => ({
    plan: planSlimBuild(await changesOf(engine, {}), undefined),
    everything,
  });
  if (base.kind === 'none') return all(base.reason);
  const { dbtProject, target, manifestFile } = await checkout.at(base.commit);
  if (!existsSync(dbtProject)) return all(`${base.ref} has no dbt project`);
  effects.reporter.progress(`reading the project at ${base.ref}`);
  // A request can name its own folders, so one engine, with one import of dbt, reads both projects.
  const request = { manifestFile, projectDir: dbtProject, targetPath: target };
  const before = await engine.changes(request);
  if (before.status === 'invalid') {
    return all(
      `dbt can't read the project at ${base.ref} (${before.problems[0]?.message.split('\n')[0] ?? 'no reason given'})`,
    );
  }
  const now = await changesOf(engine, { deployedDir: manifestFile.replace(/[^/\\]+$/, '') });
  return { plan: planSlimBuild(now, before) };
}

async function changesOf(engine: EngineClient, request: { deployedDir?: string }): Promise<ChangesAnswer> {
  const answer = await engine.changes(request);
  if (answer.status !== 'pass') requireReadable(answer);
  return answer;
}

/** @returns the newest batch of the raw tables. */
async function loadLocal(paths: Paths, effects: Effects): Promise<string | null> {
  await generateIfEmpty(paths, effects);
  const loaded = await load({ paths, maxRejected: DEFAULT_MAX_REJECTED, publishes: false, optional: true }, effects);
  if (loaded.exitCode === 0) return loaded.report.newestBatch;
  throw new MeetupError('The local data was refused, so nothing was built: `./meetup load` shows why.');
}

type Built = Pick<SlimOutcome, 'status' | 'nodes' | 'problems' | 'stillFailing'>;

/** Builds as `dev` does, and also runs changed nodes that are up to date. */
async function onMarts(
  engine: EngineClient,
  paths: Paths,
  plan: SlimPlan,
  batch: string | null,
  effects: Effects,
): Promise<Built> {
  const before = await beforeBuild(paths, effects.env);
  await forgetBuilt(paths);
  const again = [...plan.changed, ...plan.tests].map(({ uniqueId }) => uniqueId);
  const answer = await withWriteLock(paths, effects, async () => {
    const built = await engine.affected({ again }, progressOf(effects));
    if (built.status !== 'invalid' && built.nodes.every((node) => isTest(node) || isThere(node))) await publish(paths);
    return built;
  });
  if (answer.status === 'pass') await rememberBuilt(paths, effects.env, before, answer.inputs, batch);
  const ran = new Set(answer.nodes.map(({ uniqueId }) => uniqueId));
  const stillFailing = answer.failing.filter(({ uniqueId }) => !ran.has(uniqueId)).map(({ name }) => name);
  return { ...outcomeOf([answer]), stillFailing };
}

/**
 * Builds the upstream models of the changed ones without their tests, then the changed ones with theirs. Nothing is
 * published, because readers would see half of the marts. Incremental models are built from scratch, regardless of earlier runs.
 */
async function fromNothing(engine: EngineClient, paths: Paths, plan: SlimPlan, effects: Effects): Promise<Built> {
  const ids = (nodes: readonly { uniqueId: string }[]): string[] => nodes.map(({ uniqueId }) => uniqueId);
  return withWriteLock(paths, effects, async () => {
    const answers: TaskAnswer[] = [];
    for (const uniqueIds of [ids(plan.needed), ids([...plan.changed, ...plan.tests])]) {
      if (uniqueIds.length === 0) continue;
      const answer = await engine.build({ uniqueIds, fullRefresh: true }, progressOf(effects));
      answers.push(answer);
      if (answer.status !== 'pass') break;
    }
    return { ...outcomeOf(answers), stillFailing: [] };
  });
}

function outcomeOf(answers: readonly TaskAnswer[]): Pick<Built, 'status' | 'nodes' | 'problems'> {
  return {
    status: answers.every(({ status }) => status === 'pass') ? 'pass' : 'fail',
    nodes: answers.flatMap(({ nodes }) => nodes),
    problems: answers.flatMap(({ problems }) => problems),
  };
}

function progressOf(effects: Effects) {
  const progress = buildProgress(effects);
  return { onEvent: progress.take, onRestart: progress.reset };
}
