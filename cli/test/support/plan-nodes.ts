import type { BranchInputs } from '../../src/branches/plan.ts';
import { type ProjectNode, planModels } from '../../src/deploy/plan/models.ts';
import type { RelationState, RelationStates } from '../../src/deploy/relations.ts';

/** A public mart of the project `shop` as dbt describes it for a plan; its fingerprint is `NAME 1`. */
export function planNode(
  name: string,
  materialized: string,
  dependsOn: string[],
  more: Partial<ProjectNode> = {},
): ProjectNode {
  const resourceType = more.resourceType ?? 'model';
  return {
    uniqueId: `${resourceType}.shop.${name}`,
    name,
    resourceType,
    schema: 'marts',
    relation: materialized === 'ephemeral' ? null : name,
    materialized,
    access: 'public',
    dependsOn,
    fingerprint: `${name} 1`,
    change: null,
    notLocal: null,
    publishedIn: null,
    description: '',
    ...more,
  };
}

/** A test of the project as dbt describes it for a plan. */
export const planTest = (name: string, dependsOn: string[]): ProjectNode =>
  planNode(name, 'test', dependsOn, { resourceType: 'test', relation: null, schema: 'audit' });

/** A table of the target at one of its versions. */
export const tableAt = (version: number): RelationState => ({ kind: 'table', version, committedAt: `at ${version}` });

/** The nodes, some of which have other code by now. */
export const changedNodes = (nodes: readonly ProjectNode[], changed: readonly string[]): ProjectNode[] =>
  nodes.map((one) => (changed.includes(one.name) ? { ...one, fingerprint: `${one.name} 2` } : one));

/** A target on which the nodes are deployed as they are: a view `staging.stg_orders` over the tables. */
export function deployedWith(nodes: readonly ProjectNode[], tables: RelationStates) {
  const view = 'staging.stg_orders';
  const present = new Map<string, 'table' | 'view'>([
    ...Object.keys(tables).map((name) => [name, 'table'] as const),
    [view, 'view'],
  ]);
  const relations: RelationStates = { ...tables, [view]: { kind: 'view', definition: 'as it was' } };
  const deployed = {
    relations,
    fingerprints: Object.fromEntries(nodes.map(({ uniqueId, fingerprint }) => [uniqueId, fingerprint ?? ''])),
    retired: [],
    manifest: null,
  };
  return { deployed, present };
}

/** Whatever else a plan of the models depends on: nothing has changed on the target, and nothing is forced. */
export const AS_DEPLOYED = {
  drift: new Map<string, string>(),
  newRows: new Set<string>(),
  rewritten: new Map<string, string>(),
  fullRefresh: false,
} as const;

/** What decides the plan of branch x; `now` is the project beside what is deployed, and the sources with new rows, if any. */
export function branchInputs(
  now: Pick<BranchInputs, 'nodes' | 'sources' | 'deployed' | 'present'> & { readonly newRows?: ReadonlySet<string> },
  states: RelationStates,
  incremental: BranchInputs['incremental'],
): BranchInputs {
  const { nodes, sources, deployed, present } = now;
  const models = planModels({ ...AS_DEPLOYED, ...now });
  return { branch: 'x', nodes, sources, models, deployed, present, states, drift: AS_DEPLOYED.drift, incremental };
}
