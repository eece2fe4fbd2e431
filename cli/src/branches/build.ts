import { InterruptedError, MeetupError } from '../config/errors.ts';
import type { DeployContext } from '../deploy/context.ts';
import { listSchemas, readStates } from '../deploy/relations.ts';
import { dropStatement, type Remote, relationOn } from '../deploy/remote.ts';
import { buildProgress } from '../engine/progress.ts';
import type { EngineEvent, NodeResult, Problem } from '../engine/protocol.ts';
import { isTest } from '../engine/results.ts';
import { quoteNames } from '../warehouse/databricks-sql.ts';
import { mapConcurrently } from '../warehouse/map-concurrently.ts';
import { clone, clonePins, run } from './clones.ts';
import { isWithin, statesOf } from './inputs.ts';
import { suffixOf } from './names.ts';
import { type BranchNode, type BranchPlan, toDo } from './plan.ts';
import { type BranchDetails, prepareRecords, writeBranchEntry } from './records.ts';
import type { BranchSurvey } from './survey.ts';

export interface BranchBuilt {
  readonly nodes: readonly NodeResult[];
  readonly problems: readonly Problem[];
  /** Names of models and tests that failed. */
  readonly failed: readonly string[];
  /** The size of the files that the branch has written for itself. */
  readonly bytes: number;
}

export interface BranchLifetime {
  readonly project: string;
  /** ISO 8601. */
  readonly expiresAt: string;
}

const OK: ReadonlySet<string> = new Set(['success', 'pass', 'warn']);

/**
 * Builds what the branch lacks and runs the data tests that its models affect. Only the branch's own schemas are written to, so no lease is
 * needed. Each relation is recorded once it is complete: after a kill, the next run does the rest.
 */
export async function buildBranch(
  context: DeployContext,
  branch: string,
  survey: BranchSurvey,
  { project, expiresAt }: BranchLifetime,
): Promise<BranchBuilt> {
  const { remote, git, effects } = context;
  const { plan, record, base, inBranch } = survey;
  const missing = toDo(plan, keysOfWhatIsThere(survey));
  await prepareRecords(remote);
  await writeBranchEntry(
    remote,
    branch,
    'begun',
    {
      project,
      dirty: git.dirty,
      expiresAt,
      base,
      schemas: [...plan.schemas, ...plan.testSchemas],
      relations: Object.fromEntries(plan.nodes.map(({ uniqueId, place }) => [uniqueId, place])),
      stale: [...missing.nodes, ...missing.pins].map(({ uniqueId }) => uniqueId),
    },
    git.commit,
  );
  for (const [place, kind] of leftIn(survey)) await run(context, dropStatement(remote, place, kind));
  for (const schema of plan.schemas) {
    await run(context, `create schema if not exists ${quoteNames(remote.catalog, schema)}`);
  }
  await clonePins(context, branch, missing.pins, inBranch);
  const clones = missing.nodes.filter(({ begins }) => begins === 'clone');
  await mapConcurrently(clones, (node) => clone(context, node, inBranch));
  const built = await buildModels(context, branch, survey, missing);
  const failed = built.nodes.filter(({ status }) => !OK.has(status) && status !== 'no-op').map(({ name }) => name);
  const bytes = await ownBytes(remote, plan.nodes, built.nodes, record?.bytes ?? 0);
  const versions = failed.length === 0 ? await versionsOf(context, survey) : {};
  await writeBranchEntry(remote, branch, 'finished', { failed, bytes, ...versions });
  if (effects.signal.aborted) throw new InterruptedError();
  return { ...built, failed, bytes };
}

/**
 * The versions of what the branch was built from and of its own tables, from which a deployment can tell whether it would build the same. None
 * if they aren't known for sure: somebody changed an input meanwhile, or what an earlier run built was made from other versions.
 */
async function versionsOf(
  { remote }: DeployContext,
  survey: BranchSurvey,
): Promise<Pick<BranchDetails, 'inputs' | 'made'>> {
  const { plan, record, inputs, present } = survey;
  if (inputs === undefined) return {};
  const keepsSome = toDo(plan, keysOfWhatIsThere(survey)).nodes.length < plan.nodes.length;
  if (keepsSome && (record?.versions === undefined || !isWithin(record.versions.inputs, inputs))) return {};
  const now = await statesOf(remote, present, Object.keys(inputs));
  if (!isWithin(now, inputs) || !isWithin(inputs, now)) return {};
  const inBranch = await listSchemas(remote, plan.schemas);
  const tables = plan.nodes.map(({ place }) => place).filter((place) => inBranch.get(place) === 'table');
  return { inputs, made: await readStates(remote, inBranch, tables) };
}

/** What an earlier run built, and the branch no longer has. */
export const leftIn = ({ plan, inBranch }: BranchSurvey): [place: string, kind: 'table' | 'view'][] =>
  [...inBranch].filter(([place]) => ![...plan.nodes, ...plan.pins].some((one) => one.place === place));

/** A relation that somebody dropped has to be built again. */
export function keysOfWhatIsThere({ plan, record, inBranch }: BranchSurvey): Readonly<Record<string, string>> {
  const places = new Map([...plan.nodes, ...plan.pins].map(({ uniqueId, place }) => [uniqueId, place]));
  return Object.fromEntries(
    Object.entries(record?.keys ?? {}).filter(([uniqueId]) => {
      const place = places.get(uniqueId);
      return place === undefined || inBranch.has(place);
    }),
  );
}

async function buildModels(
  context: DeployContext,
  branch: string,
  { plan, changes }: BranchSurvey,
  { nodes, tests }: ReturnType<typeof toDo>,
): Promise<Pick<BranchBuilt, 'nodes' | 'problems'>> {
  const { engine, target, effects, remote } = context;
  const uniqueIds = [...nodes.map(({ uniqueId }) => uniqueId), ...tests];
  if (uniqueIds.length === 0) return { nodes: [], problems: [] };
  if (effects.signal.aborted) throw new InterruptedError();
  const incremental = new Set(
    changes.nodes.filter(({ materialized }) => materialized === 'incremental').map(({ uniqueId }) => uniqueId),
  );
  const shown = buildProgress(effects);
  const recorder = new Recorder(remote, branch, plan);
  try {
    const answer = await engine.build(
      {
        target: target.name,
        uniqueIds,
        fullRefreshIds: nodes
          .filter(({ uniqueId, begins }) => begins === 'scratch' && incremental.has(uniqueId))
          .map(({ uniqueId }) => uniqueId),
        branch: inBranch(branch, plan),
        // The planned project, not one that was saved since.
        asRead: true,
      },
      {
        onEvent: (event) => {
          shown.take(event);
          recorder.take(event);
        },
        onRestart: (reason) => {
          // A retry could add the same rows to a clone twice. What was recorded is complete; the next run does the rest.
          throw new MeetupError(`The dbt engine was lost (${reason}): run the command again, which does the rest.`);
        },
      },
    );
    return { nodes: answer.nodes, problems: answer.problems };
  } finally {
    await recorder.finish();
  }
}

/** What the engine has to know about a branch. */
const inBranch = (branch: string, { nodes, pins, tests }: BranchPlan) => ({
  suffix: suffixOf(branch),
  nodes: [...nodes, ...pins.filter(({ isSource }) => !isSource), ...tests].map(({ uniqueId }) => uniqueId),
  sources: pins.filter(({ isSource }) => isSource).map(({ uniqueId }) => uniqueId),
});

/** Records what is complete while the build goes on, in one statement at a time. */
class Recorder {
  readonly #remote: Remote;
  readonly #branch: string;
  readonly #keys: ReadonlyMap<string, string | undefined>;
  #pending: Record<string, string> = {};
  #writing: Promise<void> = Promise.resolve();
  #failure: unknown;

  constructor(remote: Remote, branch: string, { nodes, tests }: BranchPlan) {
    this.#remote = remote;
    this.#branch = branch;
    this.#keys = new Map([...nodes, ...tests].map(({ uniqueId, key }) => [uniqueId, key]));
  }

  take(event: EngineEvent): void {
    if (event.event !== 'finished' || !OK.has(event.status)) return;
    const key = this.#keys.get(event.uniqueId);
    if (key === undefined) return;
    this.#pending[event.uniqueId] = key;
    // Tests come in quick succession; a model is worth a statement at once.
    if (!isTest(event)) this.#write();
  }

  /** @throws the first error of recording. */
  async finish(): Promise<void> {
    this.#write();
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure;
  }

  #write(): void {
    this.#writing = this.#writing.then(async () => {
      const keys = this.#pending;
      if (Object.keys(keys).length === 0) return;
      this.#pending = {};
      await writeBranchEntry(this.#remote, this.#branch, 'built', { keys }).catch((error: unknown) => {
        this.#failure ??= error;
      });
    });
  }
}

/** The files of a shallow clone are those of its source, so only tables that were built from scratch count. */
async function ownBytes(
  remote: Remote,
  nodes: readonly BranchNode[],
  built: readonly NodeResult[],
  before: number,
): Promise<number> {
  if (built.length === 0) return before;
  const sizes = await mapConcurrently(
    nodes.filter(({ begins }) => begins === 'scratch'),
    async ({ place }) => {
      try {
        const [row] = await remote.connection.rows(`describe detail ${relationOn(remote, place)}`);
        return Number(row?.sizeInBytes ?? 0);
      } catch (error) {
        // A view, or what could not be built.
        if (error instanceof MeetupError) return 0;
        throw error;
      }
    },
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
