import { describe, expect, it } from 'vitest';
import { checkedManifest } from '../../src/ci/checks/manifest.ts';
import { hiddenColumns } from '../../src/ci/checks/personal.ts';
import { lineageGraph } from '../../src/lineage/graph.ts';

const email = { name: 'Email', meta: { personal: true } };
const users = { unique_id: 'source.shop.raw.users', name: 'users', columns: { Email: email } };
const model = (name: string, above: string) => ({
  unique_id: `model.shop.${name}`,
  resource_type: 'model',
  name,
  package_name: 'shop',
  original_file_path: `models/${name}.sql`,
  fqn: ['shop', name],
  config: {},
  depends_on: { nodes: [above] },
});
const manifest = checkedManifest.parse({
  metadata: { project_name: 'shop' },
  nodes: {
    'model.shop.customers': model('customers', 'source.shop.raw.users'),
    'model.shop.contacts': model('contacts', 'model.shop.customers'),
  },
  sources: { 'source.shop.raw.users': users },
});

/** What the SQL of a model reads: each column one other, or nothing that could be found out. */
const lineage = (reads: Readonly<Record<string, Readonly<Record<string, string>> | undefined>>) =>
  lineageGraph({
    status: 'pass',
    ms: {},
    problems: [],
    models: Object.values(manifest.nodes).map(({ unique_id: uniqueId, name, depends_on: { nodes } }) => ({
      uniqueId,
      name,
      resourceType: 'model' as const,
      file: `models/${name}.sql`,
      schema: 'marts',
      access: 'public',
      dependsOn: nodes,
      columns: Object.entries(reads[name] ?? {}).map(([column, from]) => ({
        name: column,
        type: null,
        digest: null,
        reads: [{ node: nodes[0] ?? '', column: from }],
      })),
      rows: { reads: [], digest: null },
      ...(reads[name] === undefined ? { reason: 'it is not SQL' } : {}),
    })),
    inputs: [],
    readers: [],
    queries: [],
  });

const hidden = (name: string, more: Partial<Parameters<typeof hiddenColumns>[1]> = {}): string[] => {
  const one = manifest.nodes[`model.shop.${name}`];
  return one === undefined ? [] : [...hiddenColumns(one, { manifest, personal: new Map(), ...more })].sort();
};

describe('columns whose values are not shown', () => {
  it('are those that come from a personal one, under any name', () => {
    const graph = lineage({ customers: { address: 'email' }, contacts: { reach: 'address', city: 'town' } });
    expect(hidden('contacts', { lineage: graph })).toEqual(['reach']);
  });

  it('have the name of a personal one if the SQL of their model is not resolved, even if no YAML describes them', () => {
    expect(hidden('customers')).toEqual(['email']);
    expect(hidden('customers', { personal: new Map([['customers.email', false]]) })).toEqual([]);
  });

  it('have that name too if the SQL of a model above is not resolved', () => {
    const graph = lineage({ customers: undefined, contacts: { reach: 'email', city: 'town' } });
    expect(hidden('contacts', { lineage: graph })).toEqual(['reach']);
  });

  it('may only be named in meetup.yml', () => {
    expect(hidden('contacts', { personal: new Map([['users.phone', true]]) })).toEqual(['email', 'phone']);
    expect(hidden('contacts', { personal: new Map([['contacts.phone', true]]) })).toEqual(['email', 'phone']);
  });
});
