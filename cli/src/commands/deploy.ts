import { dropBranches } from '../branches/drop.ts';
import { broughtToEnd, type Effects } from '../config/effects.ts';
import { InterruptedError, MeetupError } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import { landedOn } from '../config/project/landed-settings.ts';
import { requireLoaded } from '../config/pulled.ts';
import type { CommandResult } from '../config/result.ts';
import { type Applied, applyPlan } from '../deploy/apply.ts';
import { deployBundle, requireBundle, requireLandingFiles } from '../deploy/bundle.ts';
import { type DeployContext, type LockedContext, newDeploymentId, type SurveyContext } from '../deploy/context.ts';
import { noteDeadRuns } from '../deploy/dead-runs.ts';
import { refuseDrift } from '../deploy/drift.ts';
import { readGit, requireReviewable } from '../deploy/git.ts';
import { type Entry, interrupted, prepareLedger, readLedger } from '../deploy/ledger.ts';
import { inNewSession, withTarget } from '../deploy/open.ts';
import { verifyAgainstLocal } from '../deploy/parity.ts';
import { refuseBreaks } from '../deploy/plan/declared-breaks.ts';
import type { DeployPlan } from '../deploy/plan/plan.ts';
import { type Survey, survey } from '../deploy/plan/survey.ts';
import { rehearsedCommits, rememberRehearsed } from '../deploy/rehearsed.ts';
import { nameOfRun, openRuns } from '../deploy/runs.ts';
import { recover, type Undone } from '../deploy/undo.ts';
import type { Vacuumed } from '../deploy/vacuum.ts';
import { withLease } from '../deploy/with-lease.ts';
import { projectName } from '../engine/project-files.ts';
import { type NodeVerdict, verdictOf } from '../engine/results.ts';
import { pendingReceipts, writeTargetReceipt } from '../forget/receipts.ts';
import { readCredentials } from '../targets/credentials.ts';
import type { RemoteName } from '../targets/target.ts';
import { openPublished } from '../warehouse/duckdb.ts';
import { run as dev } from './dev.ts';

export interface DeployOptions {
  readonly paths: Paths;
  readonly target: RemoteName;
  /** Stops after the plan, which changes nothing. */
  readonly planOnly?: boolean;
  /** Applies the plan without confirmation. */
  readonly yes?: boolean;
  /** Applies only the plan with this hash. */
  readonly planHash?: string | undefined;
  /** Deploys uncommitted or unrehearsed changes, and overwrites drift. */
  readonly force?: boolean | undefined;
  readonly fullRefresh?: boolean | undefined;
  /** Why breaks of public models are right this time; without it, they are refused. Recorded in the ledger. */
  readonly acceptBreak?: string | undefined;
  /** Deploys the Databricks Asset Bundle as well, once the target is up to date. */
  readonly bundle?: boolean | undefined;
  readonly maxRejected: number;
  readonly maxGone?: number;
  /** Asks for confirmation; undefined if there is no terminal. */
  readonly confirm?: (plan: DeployPlan) => Promise<boolean>;
}

export interface DeployReport extends DeployPlan {
  /**
   * `unchanged`: there was nothing to do. `undone`: it failed, and everything is as it was. `not published`: it passed all tests, and the
   * next deployment or rollback shows readers the rest of it.
   */
  readonly status: 'planned' | 'deployed' | 'unchanged' | 'undone' | 'not undone' | 'not published' | 'declined';
  readonly deployment?: string;
  readonly reason?: string;
  readonly uploadedBytes?: number;
  readonly nodes?: readonly NodeVerdict[];
  readonly problems?: Applied['problems'];
  readonly parity?: Applied['parity'];
  /** An earlier deployment or rollback that was interrupted. */
  readonly recovered?: Undone;
  readonly undone?: Undone;
  /** Whether the bundle was deployed as well, if that was asked for. */
  readonly bundle?: { readonly status: 'deployed' } | { readonly status: 'failed'; readonly reason: string };
  /** What was removed for good, if something was forgotten. */
  readonly vacuumed?: Vacuumed;
  /** Milliseconds. */
  readonly ms: number;
}

/**
 * Plans a deployment, asks for confirmation, and applies all of it or nothing.
 * @throws MeetupError if the local marts fail, the target can't be reached, something blocks the deployment, or nobody
 *   confirms; InterruptedError when the signal is aborted, after everything was put back.
 */
export async function run(options: DeployOptions, effects: Effects): Promise<CommandResult<DeployReport>> {
  const started = effects.clock.elapsed();
  requireLoaded(options.paths, '`deploy`');
  requireConfirmation(options);
  const { paths, target, fullRefresh = false, force = false } = options;
  await requireForgotten(paths);
  if (options.bundle) await requireBundle(paths, target, effects);
  await requireLandingFiles(paths, target);
  // Checked before spending minutes on the local marts.
  if (target === 'prod') await requireReadyForProd(options, effects);
  const first = () => requireLocalMarts(options, effects);
  return withTarget({ paths, target, fullRefresh, force, dbt: true, first }, effects, async (context) => {
    const local = await openPublished(paths);
    try {
      const applied = await deploy(options, { ...context, local, acceptBreak: options.acceptBreak });
      const { exitCode, report } = await withBundle(options, context, applied);
      return { exitCode, report: { ...report, ms: effects.clock.elapsed() - started } };
    } finally {
      await local.close();
    }
  });
}

type Outcome = CommandResult<Omit<DeployReport, 'ms'>>;

const isUpToDateNow = ({ report: { status } }: Outcome): boolean => status === 'deployed' || status === 'unchanged';

/** Deploys the job's code after the target's: until then, the job runs the earlier code on a target that may be ahead of it. */
async function withBundle(
  options: DeployOptions,
  { paths, target, effects }: DeployContext,
  outcome: Outcome,
): Promise<Outcome> {
  if (options.bundle !== true || !isUpToDateNow(outcome)) return outcome;
  const reason = await deployBundle(paths, target, effects);
  return reason === undefined
    ? { ...outcome, report: { ...outcome.report, bundle: { status: 'deployed' } } }
    : { exitCode: 1, report: { ...outcome.report, bundle: { status: 'failed', reason } } };
}

/** Drops branches whose time is over once the target is up to date; all of them after something was forgotten, because their rows may hold it. */
async function withoutBranches({ remote, effects, paths }: DeployContext, outcome: Outcome): Promise<Outcome> {
  if (!isUpToDateNow(outcome)) return outcome;
  const which = outcome.report.vacuums ? 'all' : 'expired';
  const dropped = await dropBranches(remote, projectName(paths), effects, which);
  if (dropped.length > 0) effects.reporter.note(`Dropped the branches ${dropped.join(', ')}.`);
  return outcome;
}

async function deploy(options: DeployOptions, context: SurveyContext): Promise<Outcome> {
  if (options.planOnly) return planned(await survey(context), context, options);
  // A reviewed plan must still hold when nobody else can change anything, so it is only checked under the lock.
  const seen = options.planHash === undefined ? await survey(context) : undefined;
  if (seen !== undefined && isUpToDate(seen)) return withoutBranches(context, await settled(options, context, seen));
  const deployment = newDeploymentId(context.effects);
  await prepareLedger(context.remote);
  const review = await reviewed(options, context, deployment, seen);
  if (review.declined !== undefined) {
    return { exitCode: 1, report: { ...review.declined, status: 'declined', ...withRecovered(review.recovered) } };
  }
  if (review.isAgreed) return inNewSession(context, (fresh) => carryOut(options, fresh, deployment, review));
  return carryOut(options, context, deployment, review);
}

/** Plans again under the lock if the target has changed since the first plan, and applies the confirmed plan. */
async function carryOut(
  options: DeployOptions,
  context: SurveyContext,
  deployment: string,
  review: Review,
): Promise<Outcome> {
  const outcome = await withLease(context, deployment, async (lease): Promise<Outcome> => {
    const entries = await noteDeadRuns(context, await readLedger(context.remote));
    const recovered = (await recover(context, entries)) ?? review.recovered;
    const now = isStillValid(review.seen, entries) ? review.seen : await survey(context);
    requireSamePlan(review.hash, now.plan);
    if (now.plan.empty) return settled(options, context, now, recovered);
    refuseDrift(now.plan, options);
    refuseBreaks(now.plan, options);
    const applied = await apply({ ...context, lease }, now, deployment);
    if (applied.exitCode === 0) await noteRehearsed(options, context);
    return { ...applied, report: { ...applied.report, ...withRecovered(recovered) } };
  });
  return withoutBranches(context, outcome);
}

/** Whether there is nothing to do, and nothing left by a dead process. This needs no lock. */
const isUpToDate = ({ plan, entries }: Survey): boolean =>
  plan.empty && interrupted(entries) === undefined && openRuns(entries).length === 0;

async function settled(options: DeployOptions, context: DeployContext, { plan }: Survey, recovered?: Undone) {
  refuseDrift(plan, options);
  await noteRehearsed(options, context);
  return {
    exitCode: 0,
    report: { ...plan, status: 'unchanged', uploadedBytes: 0, ...withRecovered(recovered) },
  } as const;
}

/** The earlier survey is valid under the lock unless somebody deployed in between. */
function isStillValid(seen: Survey | undefined, entries: readonly Entry[]): seen is Survey {
  return seen !== undefined && interrupted(entries) === undefined && seen.entries.length === entries.length;
}

const withRecovered = (recovered: Undone | undefined): { recovered?: Undone } =>
  recovered === undefined ? {} : { recovered };

function planned({ plan, entries }: Survey, { effects }: DeployContext, { acceptBreak }: DeployOptions): Outcome {
  const left = interrupted(entries);
  if (left !== undefined) {
    const first = left.event === 'audited' ? 'publishes' : 'puts back';
    effects.reporter.warn(
      `Deployment ${left.deployment} was interrupted: the next deployment ${first} it first, then makes a new plan.`,
    );
  }
  for (const run of openRuns(entries)) {
    effects.reporter.warn(
      `${nameOfRun(run)} has not ended: it is still running, or it died. A deployment waits for its lease, and then makes a new plan.`,
    );
  }
  const breaks = plan.breaks.length > 0 && acceptBreak === undefined;
  return { exitCode: breaks ? 1 : 0, report: { ...plan, status: 'planned' } };
}

interface Review {
  /** The plan to apply, if one was confirmed. */
  readonly hash?: string;
  /** Whether a person confirmed, which may have taken longer than a session lives. */
  readonly isAgreed?: boolean;
  /** A survey that can be reused, because nobody spent time reading the plan. */
  readonly seen?: Survey | undefined;
  readonly declined?: DeployPlan;
  readonly recovered?: Undone | undefined;
}

/** Asks a person to confirm the plan, if there is a terminal. The lock is not held meanwhile. */
async function reviewed(
  { confirm, yes, planHash, force, fullRefresh, acceptBreak }: DeployOptions,
  context: SurveyContext,
  deployment: string,
  seen: Survey | undefined,
): Promise<Review> {
  if (planHash !== undefined) return { hash: planHash };
  if (yes || seen === undefined) return { seen };
  const isInterrupted = interrupted(seen.entries) !== undefined;
  const recovered = isInterrupted
    ? await withLease(context, deployment, async () => recover(context, await readLedger(context.remote)))
    : undefined;
  const { plan } = recovered === undefined ? seen : await survey(context);
  refuseDrift(plan, { force, fullRefresh });
  refuseBreaks(plan, { acceptBreak });
  const agreed = plan.empty || ((await confirm?.(plan)) ?? false);
  return agreed ? { hash: plan.hash, isAgreed: true, recovered } : { declined: plan, recovered };
}

function requireSamePlan(hash: string | undefined, plan: DeployPlan): void {
  if (hash === undefined || hash === plan.hash) return;
  throw new MeetupError(
    `The plan is now ${plan.hash}, not ${hash}: something has changed since it was reviewed. Review it again with \`./meetup deploy --target ${plan.target} --plan\`.`,
  );
}

async function apply(context: LockedContext & SurveyContext, now: Survey, deployment: string): Promise<Outcome> {
  // After Ctrl-C everything is put back, however long that takes.
  const applied = await broughtToEnd(context.effects, applyPlan(context, now, deployment, verifyAgainstLocal(context)));
  if (context.effects.signal.aborted && applied.status !== 'done') {
    if (applied.status === 'undone')
      context.effects.reporter.warn(`${deployment} was put back: every table is as it was.`);
    throw new InterruptedError();
  }
  const { status, nodes, problems, parity, uploadedBytes, reason, undone, vacuumed } = applied;
  if (vacuumed !== undefined) await keepTargetReceipt(context, deployment, now.plan.forgets, vacuumed);
  return {
    exitCode: status === 'done' ? 0 : 1,
    report: {
      ...now.plan,
      status: status === 'done' ? 'deployed' : status,
      deployment,
      uploadedBytes,
      nodes: nodes.map(verdictOf),
      problems,
      parity,
      ...(reason === undefined ? {} : { reason }),
      ...(undone === undefined ? {} : { undone }),
      ...(vacuumed === undefined ? {} : { vacuumed }),
    },
  };
}

/** Records next to the receipts of what was forgotten what that meant for a target. */
function keepTargetReceipt(
  { paths, target, versions, effects }: DeployContext,
  deployment: string,
  tombstones: readonly string[],
  { tables, dropped }: Vacuumed,
): Promise<void> {
  return writeTargetReceipt(paths, {
    target: target.name,
    catalog: target.catalog,
    deployment,
    version: versions.meetup ?? '',
    finishedAt: new Date(effects.clock.now()).toISOString(),
    tombstones: [...tombstones],
    vacuumed: [...tables],
    dropped: [...dropped],
  });
}

/** Only a committed state can be identified later. */
async function noteRehearsed({ target, paths }: DeployOptions, { git }: DeployContext): Promise<void> {
  if (target === 'rehearsal' && git.commit !== null && !git.dirty) await rememberRehearsed(paths, git.commit);
}

function requireConfirmation({ confirm, yes, planHash, planOnly, target }: DeployOptions): void {
  if (planOnly || yes || planHash !== undefined || confirm !== undefined) return;
  throw new MeetupError(
    `There is no terminal to confirm the plan: look at it with \`./meetup deploy --target ${target} --plan\`, then deploy with --plan-hash and its hash, or without review with --yes.`,
  );
}

/** What is only half forgotten here must not be uploaded. */
async function requireForgotten(paths: Paths): Promise<void> {
  if ((await pendingReceipts(paths)).length === 0) return;
  throw new MeetupError(
    'A `./meetup forget` was not finished, so nothing was deployed: run `./meetup forget` without a key, which finishes it.',
  );
}

async function requireReadyForProd({ paths, force, planOnly }: DeployOptions, { env }: Effects): Promise<void> {
  await readCredentials(env);
  if (!force && !planOnly) requireReviewable(await readGit(paths.root), await rehearsedCommits(paths));
}

/** The local marts must exist and pass their tests, because the target is compared with them. */
async function requireLocalMarts(
  { paths, maxRejected, maxGone, target }: DeployOptions,
  effects: Effects,
): Promise<void> {
  // The sample is for experiments: it is only deployed to prod if somebody generated it explicitly. Where files land, nothing is uploaded.
  const generates = target !== 'prod' || landedOn(paths.settings, target) !== undefined;
  const limits = { maxRejected, ...(maxGone === undefined ? {} : { maxGone }) };
  const local = await dev({ paths, ...limits, generates, fullRefresh: false, summarizes: false }, effects);
  if (local.exitCode === 0) return;
  const { build } = local.report;
  const failed = [...(build?.models ?? []), ...(build?.tests ?? [])]
    .filter(({ status }) => status === 'fail')
    .map(({ name }) => name);
  const problem = build?.problems[0]?.message.split('\n')[0];
  const named = problem === undefined ? failed.slice(0, 3) : [problem];
  const what = named.length === 0 ? '' : ` (${named.join(', ')})`;
  throw new MeetupError(`The local marts don't pass${what}: \`./meetup dev\` shows why. Nothing was deployed.`, {
    exitCode: 1,
  });
}
