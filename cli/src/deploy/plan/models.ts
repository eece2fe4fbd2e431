import type { ChangesAnswer } from '../../engine/protocol.ts';
import type { Deployed } from '../ledger.ts';
import { otherOwner } from '../owners.ts';
import { stateOf, versionOf } from '../relations.ts';
import { partsOf } from '../remote.ts';

export type ProjectNode = ChangesAnswer['nodes'][number];

/**
 * What a deployment does with a relation. `replace` rebuilds it from all of its input, and so does `refresh`, because the
 * input changed; `increment` adds new rows; `retire` keeps a relation that left the project, so that a rollback finds it;
 * `remove` drops it one deployment later.
 */
export type ModelAction = 'create' | 'replace' | 'refresh' | 'increment' | 'keep' | 'retire' | 'remove';

export interface ModelPlan {
  readonly uniqueId: string;
  readonly name: string;
  /** `schema.name`. */
  readonly relation: string;
  readonly action: ModelAction;
  readonly reason: string;
  /** The Delta version after the last deployment; null for a view and for a relation that was never deployed. */
  readonly version: number | null;
  /** The branch that has built and tested the same rows, which are taken from it. */
  readonly branch?: string;
}

/** The facts that the plan for the models is derived from. */
export interface PlanInputs {
  readonly nodes: readonly ProjectNode[];
  readonly sources: ChangesAnswer['sources'];
  readonly deployed: Deployed;
  /** The existing relations. */
  readonly present: ReadonlyMap<string, 'table' | 'view'>;
  /** Drift by relation. */
  readonly drift: ReadonlyMap<string, string>;
  /** Raw tables (`raw.events`) that get rows. */
  readonly newRows: ReadonlySet<string>;
  /** Raw tables of which all rows are written anew, with the reason. */
  readonly rewritten: ReadonlyMap<string, string>;
  readonly fullRefresh: boolean;
}

export interface ModelsPlan {
  readonly models: readonly ModelPlan[];
  /** Unique ids of the data tests whose result may change. */
  readonly tests: readonly string[];
  /** Incremental models to build from scratch. */
  readonly fromScratch: readonly string[];
  /** Unique ids of the views that show new rows without being rebuilt. */
  readonly shows: readonly string[];
  /** Tables (`schema.name`) that become views. */
  readonly setAside: readonly string[];
}

/** Why a node has to run: its definition or place changed, something upstream was rebuilt, or rows were added. */
interface Cause {
  readonly kind: 'own' | 'above' | 'rows';
  readonly reason: string;
}

/** Decides what happens to every relation, and why. A pure function. */
export function planModels(inputs: PlanInputs): ModelsPlan {
  const causes = new Causes(inputs);
  const relations = inputs.nodes.filter(({ relation }) => relation !== null);
  const models = relations.map((node) => planOf(node, causes.of(node.uniqueId), inputs));
  return {
    models: [...models.sort((a, b) => a.uniqueId.localeCompare(b.uniqueId)), ...gone(inputs)],
    tests: inputs.nodes
      .filter(({ resourceType }) => resourceType === 'test')
      .filter(({ uniqueId }) => causes.of(uniqueId) !== undefined)
      .map(({ uniqueId }) => uniqueId)
      .sort(),
    fromScratch: relations
      .filter(({ materialized }) => materialized === 'incremental')
      .filter(({ uniqueId }) => models.find((plan) => plan.uniqueId === uniqueId)?.action === 'replace')
      .map(({ uniqueId }) => uniqueId)
      .sort(),
    shows: models
      .filter(({ uniqueId, action }) => action === 'keep' && causes.of(uniqueId) !== undefined)
      .map(({ uniqueId }) => uniqueId),
    setAside: relations
      .filter(({ materialized }) => materialized === 'view')
      .filter(({ uniqueId }) => causes.of(uniqueId) !== undefined)
      .map(relationOf)
      .filter((relation) => inputs.present.get(relation) === 'table')
      .sort(),
  };
}

/** `schema.name` of a node's relation. */
export const relationOf = ({ schema, relation }: Pick<ProjectNode, 'schema' | 'relation'>): string =>
  `${schema}.${relation ?? ''}`;

/** The nodes that read any of these sources (`schema.name`), directly or through others. */
export function readersOf(
  { nodes, sources }: Pick<PlanInputs, 'nodes' | 'sources'>,
  relations: ReadonlySet<string>,
): ReadonlySet<string> {
  const isRead = ({ schema, name }: PlanInputs['sources'][number]): boolean => relations.has(`${schema}.${name}`);
  const found = new Set(sources.filter(isRead).map(({ uniqueId }) => uniqueId));
  for (let known = -1; known !== found.size; ) {
    known = found.size;
    for (const { uniqueId, dependsOn } of nodes) if (dependsOn.some((parent) => found.has(parent))) found.add(uniqueId);
  }
  return found;
}

/** `schema.name` under which readers find a node's relation: that of its view, if it is published elsewhere. */
export const relationForReaders = (node: Pick<ProjectNode, 'schema' | 'relation' | 'publishedIn'>): string =>
  relationOf({ relation: node.relation, schema: node.publishedIn ?? node.schema });

function planOf(node: ProjectNode, cause: Cause | undefined, { present, deployed }: PlanInputs): ModelPlan {
  const relation = relationOf(node);
  const version = versionOf(stateOf(deployed.relations, relation));
  const base = { uniqueId: node.uniqueId, name: node.name, relation, version };
  if (cause === undefined) return { ...base, action: 'keep', reason: 'unchanged since it was deployed' };
  if (!present.has(relation)) return { ...base, action: 'create', reason: cause.reason };
  if (cause.kind === 'rows') {
    if (node.materialized === 'view') {
      return { ...base, action: 'keep', reason: 'a view shows new rows without being rebuilt' };
    }
    return { ...base, action: addsOnly(node) ? 'increment' : 'refresh', reason: cause.reason };
  }
  // History can't be rebuilt: a snapshot is only ever continued.
  if (node.resourceType === 'snapshot') return { ...base, action: 'increment', reason: cause.reason };
  const replaces = cause.kind === 'own' || node.materialized === 'incremental';
  return { ...base, action: replaces ? 'replace' : 'refresh', reason: cause.reason };
}

const addsOnly = ({ materialized, resourceType }: ProjectNode): boolean =>
  materialized === 'incremental' || resourceType === 'snapshot';

/** The project's own deployed relations that are no longer in it. A snapshot is history and stays. */
function gone({ nodes, deployed, present }: PlanInputs): ModelPlan[] {
  // A table that a view replaces is kept when the view is published, not here.
  const current = new Set(nodes.flatMap((node) => [relationOf(node), relationForReaders(node)]));
  return Object.entries(deployed.relations)
    .filter(([relation, { kind }]) => kind !== 'absent' && !relation.startsWith('raw.'))
    .filter(([relation]) => !current.has(relation) && present.has(relation))
    .filter(([relation]) => !relation.startsWith('snapshots.') && otherOwner(deployed, relation) === undefined)
    .map(([relation, state]): ModelPlan => {
      const base = { uniqueId: relation, name: partsOf(relation)[1], relation, version: versionOf(state) };
      return deployed.retired.includes(relation)
        ? { ...base, action: 'remove', reason: 'removed from the project before the last deployment' }
        : { ...base, action: 'retire', reason: 'no longer in the project; the next deployment drops it' };
    })
    .sort((a, b) => a.relation.localeCompare(b.relation));
}

/** Finds the first reason for each node to run, and caches it. */
class Causes {
  readonly #inputs: PlanInputs;
  readonly #nodes: ReadonlyMap<string, ProjectNode>;
  readonly #sources: ReadonlyMap<string, string>;
  readonly #found = new Map<string, Cause | undefined>();

  constructor(inputs: PlanInputs) {
    this.#inputs = inputs;
    this.#nodes = new Map(inputs.nodes.map((node) => [node.uniqueId, node]));
    this.#sources = new Map(inputs.sources.map(({ uniqueId, schema, name }) => [uniqueId, `${schema}.${name}`]));
  }

  of(uniqueId: string): Cause | undefined {
    if (!this.#found.has(uniqueId)) this.#found.set(uniqueId, this.#find(uniqueId));
    return this.#found.get(uniqueId);
  }

  #find(uniqueId: string): Cause | undefined {
    const source = this.#sources.get(uniqueId);
    if (source !== undefined) {
      const rewritten = this.#inputs.rewritten.get(source);
      if (rewritten !== undefined) return { kind: 'above', reason: rewritten };
      return this.#inputs.newRows.has(source) ? { kind: 'rows', reason: `new rows in ${source}` } : undefined;
    }
    const node = this.#nodes.get(uniqueId);
    if (node === undefined) return undefined;
    const own = this.#own(node);
    if (own !== undefined) return { kind: 'own', reason: own };
    const above = node.dependsOn.map((parent) => ({ parent, cause: this.of(parent) }));
    const rebuilt = above.find(({ cause }) => cause !== undefined && cause.kind !== 'rows');
    if (rebuilt !== undefined) {
      const parent = this.#nodes.get(rebuilt.parent)?.name;
      return {
        kind: 'above',
        reason: parent === undefined ? (rebuilt.cause?.reason ?? '') : `downstream of ${parent}`,
      };
    }
    const isUnpassed = node.relation !== null && relationOf(node) in (this.#inputs.deployed.unpassed ?? {});
    if (isUnpassed) return { kind: 'rows', reason: 'the last run of dbt that built it did not pass all tests' };
    return above.find(({ cause }) => cause !== undefined)?.cause;
  }

  #own(node: ProjectNode): string | undefined {
    const { deployed, present, drift, fullRefresh } = this.#inputs;
    // Not dbt's own notion of new: the manifest that it compares with may be lost.
    const isNew = deployed.fingerprints[node.uniqueId] === undefined;
    const changed = isNew || node.fingerprint === null || deployed.fingerprints[node.uniqueId] !== node.fingerprint;
    if (node.relation === null) return changed ? reasonOf(node, isNew) : undefined;
    const relation = relationOf(node);
    if (drift.has(relation) && present.has(relation)) return `somebody changed it (${drift.get(relation)})`;
    if (changed) return reasonOf(node, isNew);
    if (!present.has(relation)) return 'it no longer exists';
    const [other] = deployed.otherCode?.[relation] ?? [];
    if (other !== undefined) return otherCodeReason(other);
    return fullRefresh ? '--full-refresh was given' : undefined;
  }
}

const otherCodeReason = (commit: string | null): string =>
  commit === null
    ? 'a run of dbt built it, with code that may not be the deployed one'
    : `a run of dbt built it with commit ${commit.slice(0, 10)}, which is not the deployed one`;

function reasonOf({ change }: ProjectNode, isNew: boolean): string {
  if (isNew) return 'new';
  return change === null || change === 'new' ? 'its macros, variables or configuration changed' : `changed (${change})`;
}
