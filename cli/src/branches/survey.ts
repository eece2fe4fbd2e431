import { join } from 'node:path';
import { MeetupError } from '../config/errors.ts';
import type { DeployContext } from '../deploy/context.ts';
import { isInCatalog } from '../deploy/foreign-sources.ts';
import { surveySchemas } from '../deploy/information-schema.ts';
import { currentDeployment, interrupted } from '../deploy/ledger.ts';
import { deployedManifest } from '../deploy/manifests.ts';
import { type DeployedProject, findDrift, readDeployed } from '../deploy/plan/deployed-project.ts';
import { planModels, relationOf } from '../deploy/plan/models.ts';
import { changesSince } from '../deploy/plan/survey.ts';
import { listSchemas, type RelationStates, stateOf } from '../deploy/relations.ts';
import { partsOf, schemasOf } from '../deploy/remote.ts';
import type { ChangesAnswer } from '../engine/protocol.ts';
import { incrementalConfigs, relationsRead, statesOf } from './inputs.ts';
import { suffixOf } from './names.ts';
import { type BranchPlan, planBranch, readThrough } from './plan.ts';
import { type BranchRecord, readBranches } from './records.ts';

/** The project, what is deployed of it, and the branch that follows from both. */
export interface BranchSurvey {
  readonly plan: BranchPlan;
  readonly changes: ChangesAnswer;
  /** The deployment that the branch is compared with. */
  readonly base: string;
  /** The branch as it was recorded, if it exists. */
  readonly record: BranchRecord | undefined;
  /** What the branch's schemas hold now. */
  readonly inBranch: ReadonlyMap<string, 'table' | 'view'>;
  /** The project's manifest for the target. */
  readonly manifestFile: string;
  /** The relations of the last deployment that somebody else changed since. */
  readonly drift: ReadonlyMap<string, string>;
  /** The tables that the branch reads or continues, as they are; undefined if it reads what no deployment would, such as earlier versions. */
  readonly inputs: RelationStates | undefined;
  /** The relations in all schemas that the project has or reads. */
  readonly present: ReadonlyMap<string, 'table' | 'view'>;
}

/**
 * Finds what a branch of the project needs. Changes nothing on the target.
 * @throws MeetupError if nothing is deployed, or the name or a schema of the branch is taken.
 */
export async function surveyBranch(context: DeployContext, branch: string, project: string): Promise<BranchSurvey> {
  const { remote, target, effects } = context;
  effects.reporter.progress(`looking at ${target.name}`);
  const before = await readDeployed(context);
  const { entries, deployed } = before;
  const base = currentDeployment(entries);
  if (base === null || Object.keys(deployed.fingerprints).length === 0) {
    throw new MeetupError(
      `Nothing of this project is deployed to ${target.name}, so there is nothing to branch from: run \`./meetup deploy --target ${target.name}\` first.`,
    );
  }
  if (interrupted(entries) !== undefined) {
    effects.reporter.warn(
      `A deployment to ${target.name} is running or was interrupted: the branch is about the state before it.`,
    );
  }
  const manifestFile = join(context.paths.state, 'branches', 'manifest.json');
  const deployedDir = await deployedManifest(context, deployed.manifest);
  const changes = await changesSince(context, deployedDir, manifestFile);
  const record = (await readBranches(remote)).find(({ name }) => name === branch);
  requireOwn(branch, record, project);
  const { plan, ...rest } = await planFor(context, branch, before, changes, manifestFile);
  const inBranch = await listSchemas(remote, [...new Set([...plan.schemas, ...schemasIn(branch, record)])]);
  requireFree(branch, record, inBranch);
  return { plan, changes, base, record, inBranch, manifestFile, ...rest };
}

async function planFor(
  { remote }: DeployContext,
  branch: string,
  before: DeployedProject,
  changes: ChangesAnswer,
  manifestFile: string,
): Promise<Pick<BranchSurvey, 'plan' | 'drift' | 'inputs' | 'present'>> {
  const { deployed } = before;
  const { nodes } = changes;
  const sources = changes.sources.filter((source) => isInCatalog(source, remote.catalog));
  const present = await surveySchemas(remote, [
    ...new Set([
      ...nodes.filter(({ relation }) => relation !== null).map(({ schema }) => schema),
      ...sources.map(({ schema }) => schema),
      ...schemasOf(Object.keys(deployed.relations)),
    ]),
  ]);
  const none = new Map<string, string>();
  const models = planModels({
    nodes,
    sources,
    deployed,
    present,
    drift: none,
    newRows: new Set(),
    rewritten: none,
    fullRefresh: false,
  });
  const read = relationsRead({ nodes, sources }, models).filter((relation) => present.has(relation));
  const states = await statesOf(remote, present, read);
  const through = nodes.filter(({ uniqueId }) => readThrough(nodes, models).has(uniqueId)).map(relationOf);
  const recorded = [...read, ...through].filter((relation) => stateOf(deployed.relations, relation).kind !== 'absent');
  const drift = await findDrift(remote, recorded, before, present);
  const incremental = await incrementalConfigs(manifestFile);
  const plan = planBranch({ branch, nodes, sources, models, deployed, present, states, drift, incremental });
  return { drift, plan, present, inputs: drift.size > 0 || plan.pins.length > 0 ? undefined : states };
}

/** The schemas that earlier runs wrote to; those of tests hold nothing that is continued. */
const schemasIn = (branch: string, record: BranchRecord | undefined): string[] => [
  ...new Set(
    Object.values(record?.relations ?? {})
      .map((place) => partsOf(place)[0])
      .filter((schema) => schema.endsWith(suffixOf(branch))),
  ),
];

/** Several projects may share a catalog, and so its branches. */
export function requireOwn(branch: string, record: BranchRecord | undefined, project: string): void {
  if (record === undefined || record.project === project) return;
  throw new MeetupError(`The branch ${branch} is of the project ${record.project}: choose another name.`);
}

/** What is already in a schema of that name is somebody else's, unless the branch's record names it. */
function requireFree(
  branch: string,
  record: BranchRecord | undefined,
  inBranch: ReadonlyMap<string, 'table' | 'view'>,
): void {
  const taken = schemasOf([...inBranch.keys()]).find((schema) => !(record?.schemas ?? []).includes(schema));
  if (taken === undefined) return;
  throw new MeetupError(
    `The schema ${taken} holds relations that no branch has recorded: choose another name than ${branch}, or drop that schema yourself.`,
  );
}
