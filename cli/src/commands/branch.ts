import { type BranchBuilt, buildBranch, keysOfWhatIsThere, leftIn } from '../branches/build.ts';
import { compareBranch, limitedMarts } from '../branches/changes/compare.ts';
import { renderChangesMarkdown } from '../branches/changes/markdown.ts';
import { dropBranch, dropBranches } from '../branches/drop.ts';
import { branchName } from '../branches/names.ts';
import { type BranchPlan, toDo } from '../branches/plan.ts';
import { type BranchRecord, isExpired, readBranches } from '../branches/records.ts';
import type { BranchModel, BranchReport } from '../branches/report.ts';
import { type BranchSurvey, requireOwn, surveyBranch } from '../branches/survey.ts';
import { requireWritable, writeAtomically } from '../config/atomic-file.ts';
import type { Effects } from '../config/effects.ts';
import { MeetupError } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import type { CommandResult } from '../config/result.ts';
import type { DeployContext } from '../deploy/context.ts';
import { withTarget } from '../deploy/open.ts';
import { projectName } from '../engine/project-files.ts';
import { isTest, verdictOf } from '../engine/results.ts';
import type { RemoteName } from '../targets/target.ts';

/** How long a branch lives unless it is built again (days). */
const LIFETIME_DAYS = 7;
const DAY_MS = 86_400_000;

export interface BranchOptions {
  readonly paths: Paths;
  readonly target: RemoteName;
  /** The name of the branch. */
  readonly name: string;
  /** How many days the branch lives; 7 by default. */
  readonly days?: number | undefined;
  /** Only compares the branch with what readers see, and builds nothing. */
  readonly diffOnly?: boolean | undefined;
  /** The path of a Markdown report of what the numbers do. */
  readonly markdown?: string | undefined;
}

/**
 * Builds what differs from what is deployed, and everything downstream, into schemas of its own on the target, and tests it there.
 * @throws MeetupError if the name is taken or is none, nothing is deployed, or the target can't be reached.
 */
export async function run(options: BranchOptions, effects: Effects): Promise<CommandResult<BranchReport>> {
  const started = effects.clock.elapsed();
  const name = branchName(options.name);
  const project = requireProject(options.paths);
  if (options.markdown !== undefined) await requireWritable(options.markdown, '--markdown');
  return withTarget({ paths: options.paths, target: options.target, dbt: true }, effects, async (context) => {
    const expired = await dropBranches(context.remote, project, effects);
    const survey = await surveyBranch(context, name, project);
    const marts = await limitedMarts(context, survey);
    if (options.diffOnly) requireUpToDate(name, survey);
    const outcome = await bringUpToDate({ ...options, name }, project, context, survey);
    const complete = new Set(outcome.models.filter(isComplete).map(({ uniqueId }) => uniqueId));
    const changes = await compareBranch(context, survey, marts, (uniqueId) => complete.has(uniqueId));
    const status = outcome.status !== 'failed' && changes.exceeded.length > 0 ? 'exceeded' : outcome.status;
    if (options.markdown !== undefined) {
      await writeAtomically(options.markdown, `${renderChangesMarkdown({ ...outcome, ...changes })}\n`);
    }
    const report: BranchReport = { ...outcome, status, changes, expired, ms: effects.clock.elapsed() - started };
    return { exitCode: status === 'failed' || status === 'exceeded' ? 1 : 0, report };
  });
}

const isComplete = ({ status }: BranchModel): boolean => status === 'pass' || status === 'warn' || status === 'kept';

function requireUpToDate(name: string, survey: BranchSurvey): void {
  const { nodes, pins } = toDo(survey.plan, keysOfWhatIsThere(survey));
  if (survey.record !== undefined && nodes.length + pins.length === 0) return;
  const what =
    survey.record === undefined ? `There is no branch ${name}` : `The branch ${name} is not known to be up to date`;
  throw new MeetupError(`${what}: build it first, without --diff.`);
}

async function bringUpToDate(
  { name, days, target, diffOnly = false }: BranchOptions,
  project: string,
  context: DeployContext,
  survey: BranchSurvey,
): Promise<Omit<BranchReport, 'expired' | 'ms' | 'changes'>> {
  const { plan, record, base } = survey;
  const shared = { name, target, base, commit: context.git.commit, schemas: plan.schemas, removed: plan.removed };
  const pinned = plan.pins.map(({ relation, version, newer }) => ({ relation, version, newer }));
  const missing = toDo(plan, keysOfWhatIsThere(survey));
  const due = missing.nodes.length + missing.pins.length + missing.tests.length + leftIn(survey).length;
  const isDone = due === 0 && record?.status === 'built';
  if (record !== undefined && (diffOnly || (isDone && days === undefined))) {
    const { expiresAt, bytes } = record;
    const kept = { models: modelsOf(plan, [], missing), nodes: [], problems: [], bytes: bytes ?? 0 };
    return { ...shared, ...kept, status: 'unchanged', expiresAt, pinned };
  }
  const expiresAt = new Date(context.effects.clock.now() + (days ?? LIFETIME_DAYS) * DAY_MS).toISOString();
  const built = await buildBranch(context, name, survey, { project, expiresAt });
  const status = built.failed.length > 0 || built.problems.length > 0 ? 'failed' : isDone ? 'unchanged' : 'built';
  const { problems, bytes } = built;
  const models = modelsOf(plan, built.nodes, missing);
  return { ...shared, status, expiresAt, models, pinned, nodes: built.nodes.map(verdictOf), problems, bytes };
}

function modelsOf(
  { nodes }: BranchPlan,
  results: BranchBuilt['nodes'],
  missing: ReturnType<typeof toDo>,
): BranchModel[] {
  const verdicts = new Map(
    results.filter((node) => !isTest(node)).map((node) => [node.uniqueId, verdictOf(node).status]),
  );
  const wanted = new Set(missing.nodes.map(({ uniqueId }) => uniqueId));
  return nodes.map(({ uniqueId, name, place, begins, reason }) => ({
    uniqueId,
    name,
    place,
    begins,
    reason,
    status: wanted.has(uniqueId) ? (verdicts.get(uniqueId) ?? 'skip') : 'kept',
  }));
}

/** @throws MeetupError if there is no dbt project with a name. */
function requireProject(paths: Paths): string {
  const project = projectName(paths);
  if (project !== undefined) return project;
  throw new MeetupError(`There is no dbt project with a name in ${paths.dbtProject}: run the command in one.`);
}

export interface BranchListReport {
  readonly target: RemoteName;
  readonly branches: readonly (Omit<BranchRecord, 'keys' | 'versions'> & {
    readonly expired: boolean;
    readonly ageMs: number;
  })[];
}

/** Lists the branches on a target, of all projects. Changes nothing. */
export async function list(
  { paths, target }: Pick<BranchOptions, 'paths' | 'target'>,
  effects: Effects,
): Promise<CommandResult<BranchListReport>> {
  return withTarget({ paths, target }, effects, async ({ remote }) => {
    const now = effects.clock.now();
    const branches = (await readBranches(remote)).map(({ keys: _keys, versions: _versions, ...branch }) => ({
      ...branch,
      expired: isExpired(branch, now),
      ageMs: now - Date.parse(`${branch.createdAt.replace(' ', 'T')}Z`),
    }));
    return { exitCode: 0, report: { target, branches } };
  });
}

export interface BranchDropReport {
  readonly target: RemoteName;
  readonly dropped: string;
  readonly schemas: readonly string[];
}

export interface BranchDropOptions extends Pick<BranchOptions, 'paths' | 'target' | 'name'> {
  /** Whether the branch may be missing, because it may have failed before it was recorded. */
  readonly ifExists?: boolean;
}

/**
 * Drops a branch: the schemas that were recorded for it.
 * @throws MeetupError if there is no such branch, or it is another project's.
 */
export async function drop(options: BranchDropOptions, effects: Effects): Promise<CommandResult<BranchDropReport>> {
  const { paths, target, ifExists = false } = options;
  const name = branchName(options.name);
  const project = requireProject(paths);
  return withTarget({ paths, target }, effects, async ({ remote }) => {
    const branches = await readBranches(remote);
    const record = branches.find((one) => one.name === name);
    if (record === undefined) {
      if (ifExists) return { exitCode: 0, report: { target, dropped: name, schemas: [] } };
      const known = branches.length === 0 ? 'has none' : `has ${branches.map((one) => one.name).join(', ')}`;
      throw new MeetupError(`There is no branch ${name} to drop: ${target} ${known}.`);
    }
    requireOwn(name, record, project);
    await dropBranch(remote, record);
    return { exitCode: 0, report: { target, dropped: name, schemas: record.schemas } };
  });
}
