import type { ChangesAnswer } from '../engine/protocol.ts';

export type ProjectNode = ChangesAnswer['nodes'][number];

/** A model, snapshot, seed or data test that differs from the base's, or is downstream of one. */
export interface ChangedNode {
  readonly uniqueId: string;
  readonly name: string;
  /** dbt's kind. */
  readonly kind: ProjectNode['resourceType'];
  /** What differs (`body`, `config`, …), or the changed node that it is downstream of. */
  readonly why: string;
}

/** dbt's `state:modified+`, and the upstream nodes that its build needs. */
export interface SlimPlan {
  /** Models, snapshots and seeds. */
  readonly changed: readonly ChangedNode[];
  /** Data tests that changed, or that test a changed node. */
  readonly tests: readonly ProjectNode[];
  /** Unchanged nodes that `changed` and `tests` read. */
  readonly needed: readonly ProjectNode[];
  /** Nodes that are neither changed nor needed. */
  readonly others: readonly ProjectNode[];
  /** Names of nodes that the base has and the project no longer has. */
  readonly removed: readonly string[];
}

/** How many changed nodes are named as the reason for a downstream one. */
const NAMED_ROOTS = 3;

/** The plan if nothing changed. */
export const emptyPlan: SlimPlan = { changed: [], tests: [], needed: [], others: [], removed: [] };

/** Decides what to build for a change; without a base everything is new. */
export function planSlimBuild(now: ChangesAnswer, before: ChangesAnswer | undefined): SlimPlan {
  const whys = new Map(whatChanged(now, before));
  const roots = rootsOf(now, whys);
  const isTest = ({ resourceType }: ProjectNode): boolean => resourceType === 'test';
  const nodes = now.nodes.filter((node) => !isTest(node));
  const changed = nodes
    .filter(({ uniqueId }) => roots(uniqueId).length > 0)
    .map(({ uniqueId, name, resourceType }): ChangedNode => {
      const why = whys.get(uniqueId) ?? downstreamOf(roots(uniqueId), now);
      return { uniqueId, name, kind: resourceType, why };
    });
  const tests = now.nodes.filter((node) => isTest(node) && roots(node.uniqueId).length > 0);
  const reached = new Set(changed.map(({ uniqueId }) => uniqueId));
  const above = ancestors(now, [...reached, ...tests.map(({ uniqueId }) => uniqueId)]);
  const rest = nodes.filter(({ uniqueId }) => !reached.has(uniqueId));
  const current = new Set(now.nodes.map(({ uniqueId }) => uniqueId));
  return {
    changed,
    tests,
    needed: rest.filter(({ uniqueId }) => above.has(uniqueId)),
    others: rest.filter(({ uniqueId }) => !above.has(uniqueId)),
    removed: (before?.nodes ?? [])
      .filter((node) => !isTest(node) && !current.has(node.uniqueId))
      .map(({ name }) => name),
  };
}

/** The unique ids of nodes and sources that differ from the base themselves, and not only in what they read. */
export const changedThemselves = (now: ChangesAnswer, before: ChangesAnswer): ReadonlySet<string> =>
  new Set([...whatChanged(now, before)].map(([uniqueId]) => uniqueId));

/** Unique id of nodes and sources → what differs. */
function* whatChanged(now: ChangesAnswer, before: ChangesAnswer | undefined): Generator<[string, string]> {
  const fingerprints = new Map(before?.nodes.map(({ uniqueId, fingerprint }) => [uniqueId, fingerprint]));
  for (const { uniqueId, change, fingerprint } of now.nodes) {
    if (before === undefined) yield [uniqueId, 'new'];
    else if (change !== null) yield [uniqueId, reasonOf(change)];
    // dbt ignores variables, the content of large seeds, and macros that are passed as values.
    else if (fingerprint !== (fingerprints.get(uniqueId) ?? null)) yield [uniqueId, 'inputs'];
    else if (fingerprint === null) yield [uniqueId, "can't be compared"];
  }
  const places = new Map(before?.sources.map(({ uniqueId, schema, name }) => [uniqueId, `${schema}.${name}`]));
  for (const { uniqueId, schema, name } of before === undefined ? [] : now.sources) {
    if (places.get(uniqueId) !== `${schema}.${name}`) yield [uniqueId, 'source'];
  }
}

const reasons: Readonly<Record<string, string>> = {
  'modified.configs': 'config',
  'modified.macros': 'macro',
  'modified.persisted_descriptions': 'description',
};

const reasonOf = (change: string): string => reasons[change] ?? change.replace('modified.', '');

/** Finds the changed nodes or sources that a node is, or is downstream of. */
function rootsOf(now: ChangesAnswer, whys: ReadonlyMap<string, string>): (uniqueId: string) => readonly string[] {
  const parents = parentsIn(now);
  const found = new Map<string, readonly string[]>();
  const find = (uniqueId: string): readonly string[] => {
    const known = found.get(uniqueId);
    if (known !== undefined) return known;
    const above = (parents.get(uniqueId) ?? []).flatMap(find);
    const roots = [...new Set([...(whys.has(uniqueId) ? [uniqueId] : []), ...above])];
    found.set(uniqueId, roots);
    return roots;
  };
  return find;
}

function downstreamOf(roots: readonly string[], now: ChangesAnswer): string {
  const names = new Map([...now.nodes, ...now.sources].map(({ uniqueId, name }) => [uniqueId, name]));
  const named = roots.slice(0, NAMED_ROOTS).map((root) => names.get(root) ?? root);
  const more = roots.length - named.length;
  return `downstream of ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function ancestors(now: ChangesAnswer, of: readonly string[]): Set<string> {
  const parents = parentsIn(now);
  const found = new Set<string>();
  const pending = [...of];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const parent of parents.get(next) ?? []) {
      if (found.has(parent)) continue;
      found.add(parent);
      pending.push(parent);
    }
  }
  return found;
}

const parentsIn = (now: ChangesAnswer): ReadonlyMap<string, readonly string[]> =>
  new Map(now.nodes.map(({ uniqueId, dependsOn }) => [uniqueId, dependsOn]));
