import type { ProjectNode } from '../../src/deploy/plan/models.ts';

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
