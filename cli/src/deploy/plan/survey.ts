import { join } from 'node:path';
import { type FindTakenInputs, findTaken } from '../../branches/find-taken.ts';
import type { Taken } from '../../branches/taken.ts';
import { MeetupError } from '../../config/errors.ts';
import { landedOn } from '../../config/project/landed-settings.ts';
import type { ChangesAnswer } from '../../engine/protocol.ts';
import { readTombstones } from '../../ingest/forgotten/tombstones.ts';
import { type RawTable, readRawTables } from '../../ingest/raw-tables.ts';
import type { DeployContext, SurveyContext } from '../context.ts';
import { foreignSources, requireForeignSources } from '../foreign-sources.ts';
import { surveySchemas, viewQueries } from '../information-schema.ts';
import { currentDeployment, type Deployed, type Entry } from '../ledger.ts';
import { deployedManifest } from '../manifests.ts';
import { foreignIn, otherOwner, refuseForeign } from '../owners.ts';
import { planPublishing, publicationsOf, type Shown } from '../publish/publications.ts';
import type { PublishedViews } from '../publish/published.ts';
import { readShown, viewDrift } from '../publish/views.ts';
import { type Batch, isBeginning, localBatches, newBatches, remoteBatches } from '../raw/batches.ts';
import { type ColumnChanges, findColumnChanges, isRewritten } from '../raw/column-changes.ts';
import { exportBatches, type Upload } from '../raw/export.ts';
import { type Remote, schemasOf } from '../remote.ts';
import { runs } from './actions.ts';
import { declaredBreaks } from './declared-breaks.ts';
import { type DeployedProject, findDrift, readDeployed } from './deployed-project.ts';
import { type ModelsPlan, planModels, relationOf } from './models.ts';
import { type DeployPlan, makePlan } from './plan.ts';
import { findTargetOnly } from './target-only.ts';

/** The state of the project and of the target, and the plan that follows from them. */
export interface Survey {
  readonly plan: DeployPlan;
  readonly entries: readonly Entry[];
  readonly deployed: Deployed;
  readonly changes: ChangesAnswer;
  /** Existing relations, in all schemas of the project. */
  readonly present: ReadonlyMap<string, 'table' | 'view'>;
  readonly uploads: readonly Upload[];
  readonly models: ModelsPlan;
  readonly replacesRaw: boolean;
  readonly makesRaw: boolean;
  readonly rawTables: readonly RawTable[];
  /** What changes about the columns of raw tables before they get their rows. */
  readonly columnChanges: readonly ColumnChanges[];
  /** The views through which readers see the project's tables. */
  readonly publications: PublishedViews;
  /** What each of these views shows now. */
  readonly shown: ReadonlyMap<string, Shown>;
  /** The project's current manifest on this machine. */
  readonly manifestFile: string;
  /** What a branch has built and tested already. */
  readonly taken: Taken | undefined;
  /** Raw tables that a task on the target fills (`schema.name`), and which of them it lacks. */
  readonly landed: readonly string[];
  readonly missingLanded: readonly RawTable[];
}

/** Surveys both sides and makes the plan. Changes nothing on the target. */
export async function survey(context: SurveyContext): Promise<Survey> {
  const { remote, effects, target } = context;
  effects.reporter.progress(`looking at ${target.name}`);
  const before = await readDeployed(context);
  const { entries, deployed } = before;
  const tables = await readRawTables(context.paths.schemas);
  const landing = landedOn(context.paths.settings, target.name);
  const rawTables = landing === undefined ? tables : [];
  const landed = landing === undefined ? [] : tables.map(({ name }) => `raw.${name}`);
  const rawNames = rawTables.map(({ name }) => `raw.${name}`);
  const manifestFile = join(context.paths.state, 'deploy', 'manifest.json');
  const fetching = deployedManifest(context, deployed.manifest);
  // While dbt reads the project, the target is asked for the state of the relations that are known already.
  const [changes, theirs, inventory] = await Promise.all([
    fetching.then((deployedDir) => changesSince(context, deployedDir, manifestFile)),
    landing === undefined ? remoteBatches(remote) : [],
    inventoryOfDeployed(remote, before, rawNames, landed),
  ]);
  const publications = publicationsOf(changes.nodes);
  const views = { ...publications, ...ownViews(deployed) };
  const { present, drift: driftOfRelations } = await inventoryOfProject(
    remote,
    changes,
    before,
    inventory,
    rawNames,
    Object.keys(views),
  );
  const shown = await readShown(remote, views, present, await viewQueries(remote, Object.keys(views)));
  const drift = new Map([...driftOfRelations, ...driftOfViews(views, deployed, present, shown)]);
  const existing = rawTables.filter(({ name }) => present.has(`raw.${name}`));
  const columnChanges = await findColumnChanges(remote, existing);
  const rewritten = new Set(columnChanges.filter(isRewritten).map(({ table }) => table));
  const foreignRaw = foreignIn(deployed, rawNames);
  refuseForeign(target.name, foreignRaw, context.force);
  const forgets = await forgottenSince(context, deployed, theirs);
  if (landing !== undefined) await warnOfForgotten(context);
  const raw = await planRaw(context, theirs, drift, rawTables, rewritten, forgets.length > 0);
  const makesRaw = rawNames.some((name) => !present.has(name));
  const planned = planModels({
    nodes: changes.nodes,
    sources: changes.sources,
    deployed,
    present,
    drift,
    newRows: new Set(raw.replaces ? rawNames : raw.uploads.map(rawName)),
    rewritten:
      forgets.length > 0
        ? new Map(rawNames.map((name) => [name, 'something was forgotten']))
        : new Map([...rewritten].map((table) => [`raw.${table}`, `types of raw.${table} changed`])),
    fullRefresh: context.fullRefresh,
  });
  const taken = await takenFromBranch(context, { before, changes, models: planned, present, manifestFile }, drift, {
    isReplaced: raw.replaces || makesRaw || forgets.length > 0,
    changing: new Set([...raw.uploads, ...columnChanges].map(rawName)),
  });
  const models = withTaken(planned, taken);
  const ours = [...rawNames, ...landed, ...changes.nodes.filter(({ relation }) => relation !== null).map(relationOf)];
  const read = foreignSources(changes, new Set(ours), remote.catalog);
  await requireForeignSources(remote, target.name, read, manifestFile);
  const missingLanded = landing === undefined ? [] : tables.filter(({ name }) => !present.has(`raw.${name}`));
  const targetOnly = await findTargetOnly(context, changes.nodes);
  const publishes = planPublishing({ publications, deployed: ownViews(deployed), present, shown, models });
  const plan = makePlan({
    target: { name: target.name, catalog: target.catalog, host: target.options.host },
    base: currentDeployment(entries),
    present,
    git: context.git,
    held: theirs,
    batches: raw.batches,
    uploads: raw.uploads,
    models,
    nodes: changes.nodes,
    drift,
    replacesRaw: raw.replaces,
    makesRaw,
    rawTables,
    landing: landing && { volume: landing.volume, missing: missingLanded },
    columnChanges,
    targetOnly,
    reads: read.map(({ place }) => place.join('.')),
    foreign: [
      ...foreignRaw,
      ...foreignIn(deployed, [
        ...models.models.filter(runs).map(({ relation }) => relation),
        ...publishes.map(({ view }) => view),
      ]),
    ],
    publishes,
    forgets,
    vacuums: forgets.length > 0 || (deployed.unvacuumed ?? []).length > 0,
    breaks: await declaredBreaks(await fetching, manifestFile, context.paths, new Date(effects.clock.now())),
  });
  return {
    plan,
    entries,
    deployed,
    changes,
    present,
    uploads: raw.uploads,
    models,
    replacesRaw: raw.replaces,
    makesRaw,
    rawTables,
    columnChanges,
    publications,
    shown,
    manifestFile,
    taken,
    landed,
    missingLanded,
  };
}

/** Where anything is in doubt, nothing is taken from a branch. */
async function takenFromBranch(
  context: DeployContext,
  inputs: Omit<FindTakenInputs, 'moving'>,
  drift: ReadonlyMap<string, string>,
  { isReplaced, changing }: { readonly isReplaced: boolean; readonly changing: ReadonlySet<string> },
): Promise<Taken | undefined> {
  if (context.fullRefresh || isReplaced || drift.size > 0) return undefined;
  return findTaken(context, { ...inputs, moving: changing });
}

/** The plan for the models without the tests that passed in a branch, on the same rows. */
function withTaken(planned: ModelsPlan, taken: Taken | undefined): ModelsPlan {
  if (taken === undefined) return planned;
  return {
    ...planned,
    models: planned.models.map((model) =>
      taken.tables.has(model.uniqueId) ? { ...model, branch: taken.branch } : model,
    ),
    tests: planned.tests.filter((uniqueId) => !taken.tests.has(uniqueId)),
  };
}

/** What was forgotten here, and of which the target may still hold rows or earlier versions. */
async function forgottenSince(
  { paths }: DeployContext,
  { forgotten = [] }: Deployed,
  theirs: readonly Batch[],
): Promise<string[]> {
  if (theirs.length === 0) return [];
  const { list } = await readTombstones(paths.data);
  return list.map(({ id }) => id).filter((id) => !forgotten.includes(id));
}

/** `forget` reaches neither files that land on a target nor their rows. */
async function warnOfForgotten({ paths, target, effects }: DeployContext): Promise<void> {
  const { list } = await readTombstones(paths.data);
  if (list.length === 0) return;
  effects.reporter.warn(
    `${list.length} records were forgotten here, which changes neither the files that land on ${target.name} nor their rows: remove them there by hand.`,
  );
}

const rawName = ({ table }: Pick<Upload, 'table'>): string => `raw.${table}`;

/**
 * The project as dbt reads it for a target, and what differs from the deployed manifest.
 * @throws MeetupError if dbt can't read it.
 */
export async function changesSince(
  context: DeployContext,
  deployedDir: string | undefined,
  manifestFile: string,
): Promise<ChangesAnswer> {
  const changes = await context.engine.changes({
    target: context.target.name,
    manifestFile,
    ...(deployedDir === undefined ? {} : { deployedDir }),
  });
  const [problem] = changes.problems;
  if (changes.status === 'invalid') {
    throw new MeetupError(
      `dbt can't read the project for ${context.target.name}${problem?.file ? `, ${problem.file}` : ''}: ${problem?.message ?? 'no reason given'}`,
    );
  }
  return changes;
}

/** The current state of relations, and their drift. */
interface Inventory {
  readonly present: ReadonlyMap<string, 'table' | 'view'>;
  readonly drift: ReadonlyMap<string, string>;
}

/** The relations of the last deployment, and other relations in their schemas. */
async function inventoryOfDeployed(
  remote: Remote,
  before: DeployedProject,
  rawNames: readonly string[],
  landed: readonly string[],
): Promise<Inventory> {
  const { deployed } = before;
  const known = Object.keys(deployed.relations).filter(
    (relation) => otherOwner(deployed, relation) === undefined && !landed.includes(relation),
  );
  const present = await surveySchemas(remote, schemasOf([...rawNames, ...landed, ...known]));
  // A relation that left the project and no longer exists is not drift.
  const there = known.filter((relation) => present.has(relation));
  return { present, drift: await findDrift(remote, [...new Set([...there, ...rawNames])], before, present) };
}

/** The relations of the last deployment, and those that this deployment builds. */
async function inventoryOfProject(
  remote: Remote,
  { nodes }: ChangesAnswer,
  before: DeployedProject,
  known: Inventory,
  rawNames: readonly string[],
  views: readonly string[],
): Promise<Inventory> {
  const { deployed } = before;
  const ours = nodes.filter(({ relation }) => relation !== null).map(relationOf);
  const listed = new Set(schemasOf([...rawNames, ...Object.keys(deployed.relations)]));
  const others = await surveySchemas(
    remote,
    schemasOf([...ours, ...views]).filter((schema) => !listed.has(schema)),
  );
  const present = new Map([...known.present, ...others]);
  const isSeen = (relation: string): boolean => relation in deployed.relations && known.present.has(relation);
  const drift = await findDrift(
    remote,
    ours.filter((relation) => !isSeen(relation)),
    before,
    present,
  );
  return { present, drift: new Map([...known.drift, ...drift]) };
}

/** The project's own views after the last deployment. */
function ownViews(deployed: Deployed): PublishedViews {
  const views = Object.entries(deployed.published ?? {});
  return Object.fromEntries(views.filter(([view]) => otherOwner(deployed, view) === undefined));
}

/** Views that somebody changed, and relations with a name that a view of this deployment needs. */
function driftOfViews(
  views: PublishedViews,
  { published = {}, relations }: Deployed,
  present: Inventory['present'],
  shown: ReadonlyMap<string, Shown>,
): [string, string][] {
  return Object.keys(views).flatMap((view): [string, string][] => {
    const isKnown = view in published;
    // What an earlier deployment built under this name is compared with what it built.
    if (!isKnown && view in relations) return [];
    const what = viewDrift(present.get(view), { isKnown, shown: shown.get(view) });
    return what === undefined ? [] : [[view, what]];
  });
}

interface RawPlan {
  readonly batches: readonly Batch[];
  readonly uploads: readonly Upload[];
  readonly replaces: boolean;
}

async function planRaw(
  { paths, target, local, fullRefresh }: SurveyContext,
  theirs: readonly Batch[],
  drift: ReadonlyMap<string, string>,
  rawTables: readonly RawTable[],
  rewritten: ReadonlySet<string>,
  forgets: boolean,
): Promise<RawPlan> {
  // The data comes from elsewhere than `load`.
  if (rawTables.length === 0) return { batches: [], uploads: [], replaces: false };
  const ours = await localBatches(local);
  // Of a batch from which something was forgotten, the target has more records.
  const held = forgets ? theirs.map((batch) => ({ ...batch, loaded: loadedOf(batch, ours) })) : theirs;
  const isStrange = hasRawDrift(drift) || !isBeginning(held, ours);
  if (forgets && !fullRefresh) newBatches(ours, held, target.name);
  const replaces = forgets || (fullRefresh && isStrange);
  const batches = replaces ? ours : newBatches(ours, theirs, target.name);
  return {
    batches,
    replaces,
    uploads: await exportBatches(local, batches, join(paths.state, 'deploy', 'landing'), rawTables, rewritten),
  };
}

const loadedOf = ({ id, loaded }: Batch, ours: readonly Batch[]): number =>
  ours.find((batch) => batch.id === id)?.loaded ?? loaded;

const hasRawDrift = (drift: ReadonlyMap<string, string>): boolean =>
  [...drift.keys()].some((relation) => relation.startsWith('raw.'));
