import { z } from 'zod';
import { MeetupError } from '../config/errors.ts';
import { readJsonFile } from '../config/json-file.ts';
import type { DeployContext } from '../deploy/context.ts';
import { isInCatalog } from '../deploy/foreign-sources.ts';
import { runs } from '../deploy/plan/actions.ts';
import type { DeployedProject } from '../deploy/plan/deployed-project.ts';
import type { ModelsPlan } from '../deploy/plan/models.ts';
import { listSchemas } from '../deploy/relations.ts';
import { type Remote, schemasOf } from '../deploy/remote.ts';
import { projectName } from '../engine/project-files.ts';
import type { ChangesAnswer } from '../engine/protocol.ts';
import { incrementalConfigs, relationsRead, statesOf } from './inputs.ts';
import { planBranch } from './plan.ts';
import { type BranchRecord, isExpired, readBranches } from './records.ts';
import { type Taken, takenFrom } from './taken.ts';

type Listing = ReadonlyMap<string, 'table' | 'view'>;

export interface FindTakenInputs {
  readonly before: DeployedProject;
  readonly changes: ChangesAnswer;
  readonly models: ModelsPlan;
  readonly present: Listing;
  /** Relations (`raw.events`) that get rows before the models are built. */
  readonly moving: ReadonlySet<string>;
  readonly manifestFile: string;
}

/** Finds a branch that has already built and tested some of what a deployment would build. The newest one is preferred. Changes nothing. */
export async function findTaken(context: DeployContext, inputs: FindTakenInputs): Promise<Taken | undefined> {
  const { remote, effects, paths } = context;
  const wanted = inputs.models.models.filter(runs).map(({ uniqueId }) => uniqueId);
  if (wanted.length === 0) return undefined;
  const project = projectName(paths);
  const branches = (await knownBranches(remote))
    .filter((record) => record.project === project && !isExpired(record, effects.clock.now()))
    .filter(
      ({ status, versions, keys }) => status === 'built' && versions !== undefined && wanted.some((id) => id in keys),
    )
    .sort((a, b) => (a.builtAt < b.builtAt ? 1 : -1));
  for (const record of branches) {
    const taken = await compare(context, record, inputs);
    if (taken !== undefined) return taken;
  }
  return undefined;
}

/** None if they can't be read, for example because a newer version of meetup wrote them. */
async function knownBranches(remote: Remote): Promise<BranchRecord[]> {
  try {
    return await readBranches(remote);
  } catch (error) {
    if (error instanceof MeetupError) return [];
    throw error;
  }
}

async function compare(
  { remote }: DeployContext,
  record: BranchRecord,
  { before, changes, models, present, moving, manifestFile }: FindTakenInputs,
): Promise<Taken | undefined> {
  const { versions } = record;
  if (versions === undefined) return undefined;
  const { nodes } = changes;
  const sources = changes.sources.filter((source) => isInCatalog(source, remote.catalog));
  const incremental = await incrementalConfigs(manifestFile);
  const read = relationsRead({ nodes, sources }, models).filter((relation) => present.has(relation));
  const inBranch = await listSchemas(remote, schemasOf(Object.keys(versions.made)));
  const relations = [...new Set([...read, ...Object.keys(versions.inputs), ...Object.keys(versions.made)])];
  const states = await statesOf(remote, new Map([...present, ...inBranch]), relations);
  const built = await onlyBuilt(manifestFile);
  try {
    const plan = planBranch({
      branch: record.name,
      nodes,
      sources,
      models,
      deployed: before.deployed,
      present,
      states,
      drift: new Map(),
      incremental,
    });
    const changing = sources.filter(({ schema, name }) => moving.has(`${schema}.${name}`));
    return takenFrom({
      record,
      nodes,
      models,
      plan,
      moving: new Set(changing.map(({ uniqueId }) => uniqueId)),
      incremental,
      isOnlyBuilt: (uniqueId) => built.has(uniqueId),
      states,
    });
  } catch (error) {
    // A branch of this code could not be planned, so nothing is known to be equal.
    if (error instanceof MeetupError) return undefined;
    throw error;
  }
}

const hooksSchema = z.array(z.unknown()).nullish();
const codeSchema = z.looseObject({
  nodes: z.record(
    z.string(),
    z.looseObject({
      raw_code: z.string().nullish(),
      config: z.looseObject({ 'pre-hook': hooksSchema, 'post-hook': hooksSchema }).optional(),
    }),
  ),
});

/** SQL that may hold the schema in which the model itself is built, which differs in a branch. */
const TELLS_PLACE = /\b(this|model|node)\s*(\.|\[|\|)|\btarget\s*\.\s*schema\b|\bgenerate_schema_name\b/;

/** Models whose own rows may not be those of the branch: their SQL may tell where they are built, or hooks would change the rows once more. */
async function onlyBuilt(manifestFile: string): Promise<ReadonlySet<string>> {
  const { nodes } = await readJsonFile(manifestFile, codeSchema, 'remove it, and try again');
  const found = Object.entries(nodes).filter(([, { raw_code: code, config }]) => {
    const hooks = [...(config?.['pre-hook'] ?? []), ...(config?.['post-hook'] ?? [])];
    return hooks.length > 0 || TELLS_PLACE.test(code ?? '');
  });
  return new Set(found.map(([uniqueId]) => uniqueId));
}
