import { createHash } from 'node:crypto';
import { MeetupError } from '../config/errors.ts';
import type { Deployed } from '../deploy/ledger.ts';
import { runs } from '../deploy/plan/actions.ts';
import { type ModelsPlan, type ProjectNode, relationOf } from '../deploy/plan/models.ts';
import { RECREATED, type RelationState, type RelationStates, stateOf } from '../deploy/relations.ts';
import { partsOf } from '../deploy/remote.ts';
import type { ChangesAnswer } from '../engine/protocol.ts';
import { branchSchema } from './names.ts';

/** A model, seed or snapshot that is built in the branch. */
export interface BranchNode {
  readonly uniqueId: string;
  readonly name: string;
  /** `schema.name` where it is deployed, and in the branch. */
  readonly relation: string;
  readonly place: string;
  /** `clone`: it continues a shallow clone of the deployed table; `scratch`: it is built from all of its input. */
  readonly begins: 'clone' | 'scratch';
  /** The version to clone; undefined for the newest one. */
  readonly version?: number | undefined;
  readonly reason: string;
  /** A hash of its code and inputs: equal keys give equal rows. Undefined if its code or an input can't be compared. */
  readonly key: string | undefined;
}

/** A table that is newer than what the deployed marts were built from: the branch reads a clone of the version that they read. */
export interface Pin {
  readonly uniqueId: string;
  readonly isSource: boolean;
  readonly relation: string;
  readonly place: string;
  readonly version: number;
  /** What happened since then. */
  readonly newer: string;
  readonly key: string;
}

export interface BranchPlan {
  readonly nodes: readonly BranchNode[];
  readonly pins: readonly Pin[];
  /** Data tests whose result may differ from the deployed one, with their keys. */
  readonly tests: readonly { readonly uniqueId: string; readonly key: string | undefined }[];
  /** Every schema that may be written to, and those of tests, which have one only if they store failing rows. */
  readonly schemas: readonly string[];
  readonly testSchemas: readonly string[];
  /** `schema.name` of relations that left the project. */
  readonly removed: readonly string[];
}

/** How an incremental model is configured. */
export interface IncrementalConfig {
  readonly strategy: string | undefined;
  /** dbt's `full_refresh: false`: it is never built from scratch. */
  readonly isProtected: boolean;
}

export interface BranchInputs {
  readonly branch: string;
  readonly nodes: readonly ProjectNode[];
  readonly sources: ChangesAnswer['sources'];
  /** What a deployment of the same code would do, without new rows. */
  readonly models: ModelsPlan;
  readonly deployed: Deployed;
  readonly present: ReadonlyMap<string, 'table' | 'view'>;
  /** The current states of the relations that are read in place, as far as they are known. */
  readonly states: RelationStates;
  /** What happened to some of them since the last deployment. */
  readonly drift: ReadonlyMap<string, string>;
  readonly incremental: ReadonlyMap<string, IncrementalConfig>;
}

/**
 * Strategies (of dbt/macros/incremental) that compute all rows and write those that differ, so that a table that is continued holds
 * what one built from scratch would.
 */
const EXACT: ReadonlySet<string> = new Set(['merge_changed']);

/**
 * Decides what a branch builds, clones and reads. A pure function.
 * @throws MeetupError if what the deployed marts were built from is gone.
 */
export function planBranch(inputs: BranchInputs): BranchPlan {
  return new Planning(inputs).plan();
}

/** Unique ids of the tables and sources that changed nodes and tests read in place, also through views. */
export const readInPlace = (nodes: readonly ProjectNode[], models: Changed): string[] =>
  [...inPlace(nodes, models).rows].sort();

/** Unique ids of the unchanged views through which changed nodes and tests read. */
export const readThrough = (nodes: readonly ProjectNode[], models: Changed): ReadonlySet<string> =>
  inPlace(nodes, models).views;

type Changed = Pick<ModelsPlan, 'models' | 'tests'>;

function inPlace(
  nodes: readonly ProjectNode[],
  { models, tests }: Changed,
): { readonly rows: ReadonlySet<string>; readonly views: ReadonlySet<string> } {
  const byId = new Map(nodes.map((node) => [node.uniqueId, node]));
  const built = new Set(models.filter(runs).map(({ uniqueId }) => uniqueId));
  const rows = new Set<string>();
  const views = new Set<string>();
  const seen = new Set<string>();
  const pending = [...built, ...tests];
  for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
    if (seen.has(id)) continue;
    seen.add(id);
    for (const parent of byId.get(id)?.dependsOn ?? []) {
      const node = byId.get(parent);
      if (built.has(parent)) continue;
      if (node === undefined || !showsInputs(node)) {
        rows.add(parent);
        continue;
      }
      if (node.relation !== null) views.add(parent);
      pending.push(parent);
    }
  }
  return { rows, views };
}

/** Whether a node has no rows of its own: a view or an ephemeral model. */
const showsInputs = ({ materialized }: ProjectNode): boolean => materialized === 'view' || materialized === 'ephemeral';

class Planning {
  readonly #inputs: BranchInputs;
  readonly #nodes: ReadonlyMap<string, ProjectNode>;
  readonly #sources: ReadonlyMap<string, string>;
  readonly #pins: ReadonlyMap<string, Pin>;
  /** What is built in the branch, with the reason. */
  readonly #built = new Map<string, string>();
  readonly #keys = new Map<string, string | undefined>();

  constructor(inputs: BranchInputs) {
    this.#inputs = inputs;
    this.#nodes = new Map(inputs.nodes.map((node) => [node.uniqueId, node]));
    this.#sources = new Map(inputs.sources.map(({ uniqueId, schema, name }) => [uniqueId, `${schema}.${name}`]));
    for (const { uniqueId, reason } of inputs.models.models.filter(runs)) this.#built.set(uniqueId, reason);
    this.#pins = new Map(readInPlace(inputs.nodes, inputs.models).flatMap((id) => this.#pinOf(id)));
    this.#moveViews();
  }

  plan(): BranchPlan {
    const { branch, models, nodes: all } = this.#inputs;
    const nodes = [...this.#built].flatMap(([uniqueId, reason]) => {
      const node = this.#nodes.get(uniqueId);
      return node === undefined || node.relation === null ? [] : [this.#nodeOf(node, reason)];
    });
    const pins = [...this.#pins.values()];
    const tests = new Set(models.tests);
    return {
      nodes: nodes.sort(byId),
      pins: pins.sort(byId),
      tests: models.tests.map((uniqueId) => ({ uniqueId, key: this.#keyOf(uniqueId) })),
      schemas: unique([...nodes, ...pins].map(({ place }) => partsOf(place)[0])),
      testSchemas: unique(
        all.filter(({ uniqueId }) => tests.has(uniqueId)).map(({ schema }) => branchSchema(branch, schema)),
      ),
      removed: models.models.filter(({ action }) => action === 'retire').map(({ relation }) => relation),
    };
  }

  #nodeOf(node: ProjectNode, reason: string): BranchNode {
    const { uniqueId, name } = node;
    const relation = relationOf(node);
    return {
      uniqueId,
      name,
      relation,
      place: this.#placeOf(relation),
      reason,
      ...this.#begins(node),
      key: this.#keyOf(uniqueId),
    };
  }

  #placeOf(relation: string): string {
    const [schema, name] = partsOf(relation);
    return `${branchSchema(this.#inputs.branch, schema)}.${name}`;
  }

  #begins(node: ProjectNode): Pick<BranchNode, 'begins' | 'version'> {
    const { present, deployed, drift, incremental } = this.#inputs;
    const relation = relationOf(node);
    const config = incremental.get(node.uniqueId);
    const isSame = node.fingerprint !== null && deployed.fingerprints[node.uniqueId] === node.fingerprint;
    const continues =
      node.resourceType === 'snapshot' ||
      (node.materialized === 'incremental' &&
        (config?.isProtected === true || (isSame && EXACT.has(config?.strategy ?? ''))));
    if (!continues || present.get(relation) !== 'table') return { begins: 'scratch' };
    const known = stateOf(deployed.relations, relation);
    const isOlder = drift.has(relation) && drift.get(relation) !== RECREATED;
    return { begins: 'clone', ...(isOlder && known.kind === 'table' ? { version: known.version } : {}) };
  }

  /**
   * A table of which the deployed marts saw an older version than the newest one.
   * @throws MeetupError if that version is gone.
   */
  #pinOf(uniqueId: string): [string, Pin][] {
    const { deployed, drift, states } = this.#inputs;
    const relation = this.#relationOf(uniqueId);
    if (relation === undefined) return [];
    const newer = drift.get(relation);
    const [known, now] = [stateOf(deployed.relations, relation), stateOf(states, relation)];
    if (newer === undefined || known.kind !== 'table' || now.kind !== 'table') return [];
    if (newer === RECREATED) throw rowsAreGone(relation);
    if (now.version <= known.version) return [];
    const { version } = known;
    const pin = {
      uniqueId,
      isSource: this.#sources.has(uniqueId),
      relation,
      place: this.#placeOf(relation),
      version,
      newer,
    };
    return [[uniqueId, { ...pin, key: hashOf([relation, known]) }]];
  }

  #relationOf(uniqueId: string): string | undefined {
    const node = this.#nodes.get(uniqueId);
    return this.#sources.get(uniqueId) ?? (node === undefined ? undefined : relationOf(node));
  }

  /** Unchanged views between a pinned table and what is built: in place, they would show the newest rows. */
  #moveViews(): void {
    const pending = [...this.#built.keys(), ...this.#inputs.models.tests];
    const seen = new Set<string>();
    const isOverPin = (uniqueId: string): boolean =>
      this.#pins.has(uniqueId) ||
      (this.#isView(uniqueId) && (this.#nodes.get(uniqueId)?.dependsOn ?? []).some(isOverPin));
    for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
      if (seen.has(id)) continue;
      seen.add(id);
      for (const parent of this.#nodes.get(id)?.dependsOn ?? []) {
        if (this.#built.has(parent) || !this.#isView(parent)) continue;
        pending.push(parent);
        if (isOverPin(parent)) this.#built.set(parent, 'it reads a table as of the last deployment');
      }
    }
  }

  #isView(uniqueId: string): boolean {
    const node = this.#nodes.get(uniqueId);
    return node !== undefined && showsInputs(node);
  }

  #keyOf(uniqueId: string): string | undefined {
    if (!this.#keys.has(uniqueId)) this.#keys.set(uniqueId, this.#findKey(uniqueId));
    return this.#keys.get(uniqueId);
  }

  #findKey(uniqueId: string): string | undefined {
    const node = this.#nodes.get(uniqueId);
    if (node === undefined || node.fingerprint === null) return undefined;
    const inputs = node.dependsOn.map((parent) => this.#inputOf(parent));
    if (inputs.includes(undefined)) return undefined;
    const cloned =
      this.#built.has(uniqueId) && this.#begins(node).begins === 'clone' ? this.#stateOf(relationOf(node)) : null;
    return hashOf([node.fingerprint, cloned, inputs]);
  }

  /** What a node's input holds, as a text; undefined if that is unknown: only tables have versions. */
  #inputOf(uniqueId: string): string | undefined {
    const pin = this.#pins.get(uniqueId);
    if (pin !== undefined) return pin.key;
    if (this.#built.has(uniqueId) || this.#isView(uniqueId)) return this.#keyOf(uniqueId);
    const relation = this.#relationOf(uniqueId);
    const state = relation === undefined ? undefined : this.#stateOf(relation);
    return state?.kind === 'table' ? hashOf([relation, state]) : undefined;
  }

  /** Upkeep makes new versions of the same rows. */
  #stateOf(relation: string): RelationState {
    const { deployed, states, drift } = this.#inputs;
    const known = stateOf(deployed.relations, relation);
    return known.kind !== 'absent' && !drift.has(relation) ? known : stateOf(states, relation);
  }
}

const rowsAreGone = (relation: string): MeetupError =>
  new MeetupError(
    `${relation} was dropped and recreated since the last deployment, so what the code changes can't be told from what its new rows change: deploy first.`,
  );

const byId = (a: { uniqueId: string }, b: { uniqueId: string }): number => (a.uniqueId < b.uniqueId ? -1 : 1);
const unique = (names: readonly string[]): string[] => [...new Set(names)].sort();
const hashOf = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32);

/** What has to be built and tested: what the branch lacks, or has from other code or inputs. */
export function toDo(
  { nodes, pins, tests }: BranchPlan,
  keys: Readonly<Record<string, string>>,
): { readonly nodes: BranchNode[]; readonly pins: Pin[]; readonly tests: string[] } {
  const isStale = ({ uniqueId, key }: { uniqueId: string; key: string | undefined }): boolean =>
    key === undefined || keys[uniqueId] !== key;
  return {
    nodes: nodes.filter(isStale),
    pins: pins.filter(isStale),
    tests: tests.filter(isStale).map(({ uniqueId }) => uniqueId),
  };
}
