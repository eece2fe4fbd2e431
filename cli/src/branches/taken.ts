import { runs } from '../deploy/plan/actions.ts';
import type { ModelPlan, ModelsPlan, ProjectNode } from '../deploy/plan/models.ts';
import type { RelationStates } from '../deploy/relations.ts';
import { isWithin } from './inputs.ts';
import { type BranchPlan, type IncrementalConfig, toDo } from './plan.ts';
import type { BranchRecord } from './records.ts';

/** What a deployment takes from a branch instead of building it. */
export interface Taken {
  /** The name of the branch. */
  readonly branch: string;
  /** Where the rows of each model are, by unique id: `schema.name`, and the version that the branch built. */
  readonly tables: ReadonlyMap<string, { readonly place: string; readonly version: number }>;
  /** Unique ids of data tests that passed in the branch, on equal rows. */
  readonly tests: ReadonlySet<string>;
  /** The tables that must not have changed: what the branch was built from, and its own. */
  readonly states: RelationStates;
}

export interface TakenInputs {
  readonly record: BranchRecord;
  readonly nodes: readonly ProjectNode[];
  /** What a deployment would do. */
  readonly models: ModelsPlan;
  /** What a branch of the code that is deployed would have, with the keys of its code and inputs. */
  readonly plan: BranchPlan;
  /** Unique ids of sources that get rows first. */
  readonly moving: ReadonlySet<string>;
  readonly incremental: ReadonlyMap<string, IncrementalConfig>;
  /** Whether a copy of its rows may differ from what a model builds in its own place. */
  readonly isOnlyBuilt: (uniqueId: string) => boolean;
  /** The current states of what the branch was built from and of its own tables. */
  readonly states: RelationStates;
}

/**
 * What can be taken from a branch: models that it built from the same code and the same versions of every input, and whose tests passed. If
 * anything is in doubt, the deployment builds it. A pure function.
 */
export function takenFrom(inputs: TakenInputs): Taken | undefined {
  const { record, states } = inputs;
  const { versions } = record;
  if (record.status !== 'built' || versions === undefined) return undefined;
  const needed = { ...versions.inputs, ...versions.made };
  if (!isWithin(needed, states)) return undefined;
  const equal = new Equal(inputs);
  const tables = new Map(
    inputs.models.models.flatMap((model): [string, { place: string; version: number }][] => {
      const place = record.relations[model.uniqueId];
      const state = place === undefined ? undefined : versions.made[place];
      if (place === undefined || state?.kind !== 'table' || !equal.isTaken(model)) return [];
      return [[model.uniqueId, { place, version: state.version }]];
    }),
  );
  if (tables.size === 0) return undefined;
  const tests = inputs.models.tests.filter((uniqueId) => equal.hasPassed(uniqueId, new Set(tables.keys())));
  return { branch: record.name, tables, tests: new Set(tests), states: needed };
}

/** Finds the nodes of which the branch has the same rows, tested, and caches that. */
class Equal {
  readonly #nodes: ReadonlyMap<string, ProjectNode>;
  readonly #models: ReadonlyMap<string, ModelPlan>;
  readonly #isStale: (uniqueId: string) => boolean;
  readonly #tests: ReadonlyMap<string, readonly string[]>;
  readonly #inputs: TakenInputs;
  readonly #found = new Map<string, boolean>();

  constructor(inputs: TakenInputs) {
    const { nodes, models, plan, record } = inputs;
    this.#inputs = inputs;
    this.#nodes = new Map(nodes.map((node) => [node.uniqueId, node]));
    this.#models = new Map(models.models.filter(runs).map((model) => [model.uniqueId, model]));
    const stale = toDo(plan, record.keys);
    const ids = new Set([...stale.nodes.map(({ uniqueId }) => uniqueId), ...stale.tests]);
    const known = new Set([...plan.nodes, ...plan.tests].map(({ uniqueId }) => uniqueId));
    this.#isStale = (uniqueId) => ids.has(uniqueId) || !known.has(uniqueId);
    const tests = new Map<string, string[]>();
    for (const test of models.tests) {
      for (const on of this.#nodes.get(test)?.dependsOn ?? []) tests.set(on, [...(tests.get(on) ?? []), test]);
    }
    this.#tests = tests;
  }

  /** Whether its rows can be taken: a table that dbt would build from scratch. */
  isTaken({ uniqueId, action }: ModelPlan): boolean {
    const node = this.#nodes.get(uniqueId);
    const isTable = node?.resourceType === 'model' && ['table', 'incremental'].includes(node.materialized);
    const isRebuilt = action === 'create' || action === 'replace' || action === 'refresh';
    if (!isTable || !isRebuilt || this.#inputs.incremental.get(uniqueId)?.isProtected === true) return false;
    return !this.#inputs.isOnlyBuilt(uniqueId) && this.#isEqual(uniqueId);
  }

  /** Whether a test passed in the branch, and all that it reads has the same rows there. */
  hasPassed(uniqueId: string, taken: ReadonlySet<string>): boolean {
    const read = this.#nodes.get(uniqueId)?.dependsOn ?? [];
    return (
      !this.#isStale(uniqueId) &&
      read.every((id) => (taken.has(id) || !this.#models.has(id) || this.#isView(id)) && this.#isEqual(id))
    );
  }

  #isView(uniqueId: string): boolean {
    return this.#nodes.get(uniqueId)?.materialized === 'view';
  }

  #isEqual(uniqueId: string): boolean {
    const known = this.#found.get(uniqueId);
    if (known !== undefined) return known;
    const found = this.#compare(uniqueId);
    this.#found.set(uniqueId, found);
    return found;
  }

  #compare(uniqueId: string): boolean {
    if (this.#inputs.moving.has(uniqueId)) return false;
    const node = this.#nodes.get(uniqueId);
    // A source, of which the version was compared.
    if (node === undefined) return true;
    if (!node.dependsOn.every((parent) => this.#isEqual(parent))) return false;
    if (!this.#models.has(uniqueId)) return true;
    // History differs by when it was written.
    if (node.resourceType === 'snapshot' || this.#isStale(uniqueId)) return false;
    return (this.#tests.get(uniqueId) ?? []).every((test) => !this.#isStale(test));
  }
}
