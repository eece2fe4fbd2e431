import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { foreignSources, requireForeignSources } from '../../src/deploy/foreign-sources.ts';
import type { ProjectNode } from '../../src/deploy/plan/models.ts';
import { type DatabricksConnection, StatementFailedError } from '../../src/warehouse/databricks.ts';
import { temporaryFolder } from '../support/effects.ts';
import { planNode } from '../support/plan-nodes.ts';

const model = (dependsOn: string[]): ProjectNode => planNode('m', 'table', dependsOn);
const source = (schema: string, name: string, database?: string) => ({
  uniqueId: `source.shop.${schema}.${name}`,
  schema,
  name,
  database,
});

describe('sources that somebody else owns', () => {
  it('are those that a node reads and nothing of the project makes', () => {
    const sources = [
      source('raw', 'events'),
      source('crm', 'customers'),
      source('crm', 'unread'),
      source('marts', 'm'),
    ];
    const nodes = [model(sources.filter(({ name }) => name !== 'unread').map(({ uniqueId }) => uniqueId))];
    expect(foreignSources({ nodes, sources }, new Set(['raw.events', 'marts.m']), 'main')).toEqual([
      { uniqueId: 'source.shop.crm.customers', place: ['main', 'crm', 'customers'] },
    ]);
  });

  it('may have the name of a raw table in another catalog', () => {
    const sources = [source('raw', 'events', 'lake')];
    const nodes = [model(['source.shop.raw.events'])];
    expect(
      foreignSources({ nodes, sources }, new Set(['raw.events']), 'main').map(({ place }) => place.join('.')),
    ).toEqual(['lake.raw.events']);
  });

  it('are refused in one sentence if they are missing, unless a hook may make them', async () => {
    const connection: DatabricksConnection = {
      rows: (sql) => Promise.reject(new StatementFailedError(`no ${sql}`, '42P01', undefined)),
      run: () => Promise.reject(new Error('nothing is changed')),
      put: () => Promise.resolve(),
      get: () => Promise.resolve(),
      remove: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
    const remote = { connection, catalog: 'main' };
    const missing = [{ uniqueId: 'source.shop.crm.customers', place: ['main', 'crm', 'customers'] as const }];
    const manifest = join(await temporaryFolder(), 'manifest.json');
    await writeFile(
      manifest,
      '{"nodes": {"model.shop.m": {}, "operation.shop.shop-on-run-end-0": {"raw_code": "{{ meetup_run_ends(results) }}"}}}',
    );
    await expect(requireForeignSources(remote, 'prod', missing, manifest)).rejects.toThrow(
      'prod has no table main.crm.customers, which source.shop.crm.customers names and somebody else has to provide',
    );
    for (const hook of ['{}', '{"raw_code": "{{ make_customers() }}{{ meetup_run_begins() }}"}']) {
      await writeFile(manifest, `{"nodes": {"operation.shop.shop-on-run-start-0": ${hook}}}`);
      await expect(requireForeignSources(remote, 'prod', missing, manifest)).resolves.toBeUndefined();
    }
  });
});
