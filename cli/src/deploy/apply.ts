import type { Taken } from '../branches/taken.ts';
import { confirmTaken, queriesOf, requireThere } from '../branches/taking.ts';
import { InterruptedError, MeetupError } from '../config/errors.ts';
import { reasonOf } from '../config/explain.ts';
import { buildProgress } from '../engine/progress.ts';
import type { NodeResult, Problem } from '../engine/protocol.ts';
import { mapConcurrently } from '../warehouse/map-concurrently.ts';
import { type DeployContext, identityOf, type LockedContext } from './context.ts';
import { deployedAfter } from './deployed-after.ts';
import { forgetInSnapshots, snapshotsOn } from './forget-snapshots.ts';
import { asideOf, asidesIn, dropAsideStatement, keepStatements } from './kept-tables.ts';
import { type DeploymentIdentity, writeEntry } from './ledger.ts';
import { LockLostError } from './lock.ts';
import { dbtVersionOf, keepManifest } from './manifests.ts';
import { foreignIn } from './owners.ts';
import type { Parity, VerifyMarts } from './parity.ts';
import { runs } from './plan/actions.ts';
import { keptTables, landedTableStatements } from './plan/plan.ts';
import type { Survey } from './plan/survey.ts';
import { pinViews, publishViews, viewsToPin } from './publish/views.ts';
import { changeColumnsStatements } from './raw/column-changes.ts';
import {
  appendStatement,
  clearLanding,
  clearStatements,
  rawSchemaStatement,
  rawTableStatements,
  uploadFile,
} from './raw/land.ts';
import { type RelationStates, readStates } from './relations.ts';
import { dropStatement } from './remote.ts';
import { notPublished, notUndone, type Undone, undo } from './undo.ts';
import { type Vacuumed, vacuumForgotten } from './vacuum.ts';

/** How an applied plan ended. */
export interface Applied {
  readonly status: 'done' | 'undone' | 'not undone' | 'not published';
  /** The error, if there was one. */
  readonly reason?: string;
  readonly nodes: readonly NodeResult[];
  readonly problems: readonly Problem[];
  readonly parity: readonly Parity[];
  readonly uploadedBytes: number;
  readonly undone?: Undone;
  /** What was removed for good, if something was forgotten; omitted if it could not be, which the next deployment does. */
  readonly vacuumed?: Vacuumed;
}

/** A model, a test or the comparison failed. dbt's messages are reported with it. */
class DeployFailedError extends Error {}

/** The results so far, also for the report of a deployment that fails. */
interface Progress {
  nodes: readonly NodeResult[];
  problems: readonly Problem[];
  parity: readonly Parity[];
  uploadedBytes: number;
  /** Whether all tests have passed and that is recorded, so that the deployment is finished in any case. */
  isAudited: boolean;
}

/**
 * Applies a plan. Readers' views keep showing what they showed until everything has passed. If anything fails, every relation is put back at once; if that fails too, or the process dies, the next
 * deployment does it from the ledger's entry `begun`. The caller holds the lock.
 */
export async function applyPlan(
  context: LockedContext,
  survey: Survey,
  deployment: string,
  verify: VerifyMarts,
): Promise<Applied> {
  const dbt = await dbtVersionOf(survey.manifestFile);
  const versions = { ...context.versions, dbt };
  const identity = identityOf({ ...context, versions }, deployment, survey.plan.hash);
  const progress: Progress = { nodes: [], problems: [], parity: [], uploadedBytes: 0, isAudited: false };
  const touched = touchedBy(survey);
  const before = await readStates(context.remote, survey.present, touched);
  const pinned = viewsToPin(survey.plan.publishes, survey.deployed.published ?? {}, survey.shown, before);
  await writeEntry(context.remote, identity, 'begun', {
    before,
    pinned,
    drifted: survey.plan.drift.map(({ relation }) => relation),
    models: actionsOf(survey),
    batches: [...survey.plan.batches],
    ...(survey.plan.breaks.length > 0 && context.acceptBreak !== undefined
      ? { acceptedBreak: context.acceptBreak }
      : {}),
  });
  try {
    await steps(context, survey, identity, { before, pinned }, verify, progress);
  } catch (error) {
    const ended = await takeBack(context, identity, error, progress);
    if (ended.status !== 'done') return { ...ended, ...resultsOf(progress) };
  }
  await tidyUp(context, survey);
  const vacuumed = survey.plan.vacuums ? await vacuumForgotten(context, identity) : undefined;
  return { status: 'done', ...resultsOf(progress), ...(vacuumed === undefined ? {} : { vacuumed }) };
}

const resultsOf = ({ nodes, problems, parity, uploadedBytes }: Progress) => ({
  nodes,
  problems,
  parity,
  uploadedBytes,
});

async function steps(
  context: LockedContext,
  survey: Survey,
  identity: DeploymentIdentity,
  { before, pinned }: { readonly before: RelationStates; readonly pinned: Readonly<Record<string, string>> },
  verify: VerifyMarts,
  progress: Progress,
): Promise<void> {
  const taken = await confirmTaken(context, survey.taken);
  progress.uploadedBytes = await landRaw(context, survey);
  stopIfInterrupted(context);
  await context.lease.requireHeld();
  await pinViews(context.remote, pinned, before);
  for (const relation of survey.models.setAside) {
    for (const statement of keepStatements(context.remote, relation)) await run(context, statement);
  }
  await forgetInSnapshots(context, snapshotsToSearch(survey));
  stopIfInterrupted(context);
  await buildModels(context, survey, taken, progress);
  if (taken !== undefined) await requireThere(context, taken);
  stopIfInterrupted(context);
  const touched = new Set([...survey.plan.models.filter(runs).map(({ uniqueId }) => uniqueId), ...survey.models.shows]);
  progress.parity = await verify(survey, (uniqueId) => touched.has(uniqueId));
  const different = progress.parity.filter(({ status }) => status !== 'equal');
  if (different.length > 0) {
    throw new DeployFailedError(
      `${different.map(({ name }) => name).join(', ')} ${different.length === 1 ? 'differs' : 'differ'} from the local marts`,
    );
  }
  context.effects.reporter.progress('recording the deployment');
  const manifest = await keepManifest(context, identity.deployment, survey.manifestFile);
  const deployed = await deployedAfter(context, survey, Object.keys(before), manifest);
  await context.lease.requireHeld();
  const done = { models: actionsOf(survey), batches: [...survey.plan.batches] };
  const publishes = [...survey.plan.publishes];
  if (publishes.length > 0) {
    await writeEntry(context.remote, identity, 'audited', { goal: deployed, publishes, ...done });
    progress.isAudited = true;
    context.effects.reporter.progress('publishing');
    await publishViews(context.remote, publishes);
  }
  await writeEntry(context.remote, identity, 'finished', { deployed, ...done });
}

/** A statement of the deployment's own; Ctrl-C cancels it. */
const run = ({ remote, effects }: DeployContext, sql: string): Promise<void> =>
  remote.connection.run(sql, { signal: effects.signal });

/** Creates the raw tables, changes their columns and adds the new rows. @returns the number of bytes sent. */
async function landRaw(context: LockedContext, survey: Survey): Promise<number> {
  const { remote, effects, lease } = context;
  for (const statement of landedTableStatements(remote, survey.missingLanded)) await run(context, statement);
  if (survey.makesRaw) {
    await run(context, rawSchemaStatement(remote));
    await mapConcurrently(rawTableStatements(remote, survey.rawTables), (sql) => run(context, sql));
  }
  if (survey.replacesRaw)
    await mapConcurrently(clearStatements(remote, keptTables(survey)), (sql) => run(context, sql));
  for (const changes of survey.columnChanges) {
    for (const statement of changeColumnsStatements(remote, changes, survey.rawTables)) await run(context, statement);
  }
  let bytes = 0;
  for (const upload of survey.uploads) {
    stopIfInterrupted(context);
    effects.reporter.progress(`uploading ${upload.table} (${upload.bytes} bytes)`);
    bytes += await uploadFile(remote, upload);
    await lease.requireHeld();
    effects.reporter.progress(`appending ${upload.rows} rows to raw.${upload.table}`);
    await run(context, appendStatement(remote, upload, survey.rawTables));
  }
  return bytes;
}

async function buildModels(
  context: LockedContext,
  survey: Survey,
  taken: Taken | undefined,
  progress: Progress,
): Promise<void> {
  const uniqueIds = [
    ...survey.plan.models.filter(runs).map(({ uniqueId }) => uniqueId),
    ...survey.models.tests,
    // What can't be taken any more is built and tested here.
    ...(taken === undefined ? (survey.taken?.tests ?? []) : []),
  ];
  if (uniqueIds.length === 0) return;
  stopIfInterrupted(context);
  await context.lease.requireHeld();
  const shown = buildProgress(context.effects);
  const answer = await context.engine.build(
    {
      target: context.target.name,
      uniqueIds,
      fullRefreshIds: [...survey.models.fromScratch],
      ...(taken === undefined ? {} : { givenQueries: queriesOf(context.remote, taken) }),
      failFast: true,
      // The planned project, not one that was saved since.
      asRead: true,
    },
    {
      signal: context.lease.lost,
      onEvent: shown.take,
      onRestart: (reason) => {
        // A retry could add the same rows to an incremental model twice, so everything is put back instead.
        throw new DeployFailedError(`the dbt engine was lost (${reason})`);
      },
    },
  );
  progress.nodes = answer.nodes;
  progress.problems = answer.problems;
  if (answer.status !== 'pass') {
    const failed = answer.nodes.filter(({ status }) => /error|fail/.test(status)).map(({ name }) => name);
    throw new DeployFailedError(
      failed.length === 0 ? 'dbt could not build' : `${failed.slice(0, 3).join(', ')} failed`,
    );
  }
}

function stopIfInterrupted({ effects }: DeployContext): void {
  if (effects.signal.aborted) throw new InterruptedError();
}

/** Every relation that may be touched, so that its previous state is recorded. */
function touchedBy(survey: Survey): string[] {
  const raw =
    survey.makesRaw || survey.replacesRaw
      ? survey.rawTables.map(({ name }) => name)
      : [...survey.uploads, ...survey.columnChanges].map(({ table }) => table);
  const models = survey.plan.models.filter(runs).map(({ relation }) => relation);
  return [...new Set([...raw.map((name) => `raw.${name}`), ...models, ...snapshotsToSearch(survey)])];
}

/** Only what was forgotten since the last deployment has to be looked for. */
const snapshotsToSearch = (survey: Survey): string[] => (survey.plan.forgets.length === 0 ? [] : snapshotsOn(survey));

const actionsOf = (survey: Survey): Record<string, string> =>
  Object.fromEntries(
    survey.plan.models.filter(({ action }) => action !== 'keep').map(({ relation, action }) => [relation, action]),
  );

async function takeBack(
  context: LockedContext,
  identity: DeploymentIdentity,
  error: unknown,
  { isAudited }: Pick<Progress, 'isAudited'>,
) {
  const known = error instanceof DeployFailedError || error instanceof MeetupError || error instanceof InterruptedError;
  const reason = error instanceof InterruptedError ? 'it was interrupted' : reasonOf(error);
  const { reporter, signal } = context.effects;
  reporter.progress(isAudited ? 'publishing' : 'putting everything back');
  if (signal.aborted && !isAudited)
    reporter.warn('Putting everything back; press Ctrl-C again to leave that to the next deployment.');
  try {
    const undone = await undo(context, identity, reason);
    if (undone === undefined) return { status: 'done' } as const;
    if (!known) throw error;
    return { status: 'undone', reason, undone } as const;
  } catch (failure) {
    if (failure instanceof LockLostError) {
      return { status: isAudited ? 'not published' : 'not undone', reason: failure.message } as const;
    }
    if (failure === error) throw error;
    if (isAudited) {
      reporter.warn(notPublished(context.target.name, failure));
      return { status: 'not published', reason } as const;
    }
    reporter.warn(notUndone(context.target.name, failure));
    return { status: 'not undone', reason } as const;
  }
}

/** Removes what is no longer needed once the deployment is recorded. If this fails, the next deployment does it. */
async function tidyUp(context: DeployContext, survey: Survey): Promise<void> {
  const { remote } = context;
  try {
    for (const { relation, action } of survey.plan.models) {
      const kind = survey.present.get(relation);
      if (action !== 'remove' || kind === undefined) continue;
      await remote.connection.run(dropStatement(remote, relation, kind));
    }
    const others = Object.keys(survey.deployed.relations).filter(
      (relation) => foreignIn(survey.deployed, [relation]).length > 0,
    );
    const replaced = survey.plan.publishes.filter(({ what }) => what === 'replace').map(({ view }) => view);
    const kept = new Set([...survey.models.setAside, ...replaced, ...others].map(asideOf));
    await mapConcurrently(
      asidesIn(survey.present).filter((aside) => !kept.has(aside)),
      (aside) => remote.connection.run(dropAsideStatement(remote, aside)),
    );
    if (survey.uploads.length > 0) await clearLanding(remote);
  } catch (error) {
    context.effects.reporter.warn(`Tables that are no longer needed could not be removed (${reasonOf(error)}).`);
  }
}
