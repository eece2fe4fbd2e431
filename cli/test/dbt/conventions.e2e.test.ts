import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { projectRoot, resolvePaths } from '../../src/config/paths.ts';

/** Conventions that every model of the project follows, checked in dbt's own manifest. */
const nodeSchema = z.object({
  unique_id: z.string(),
  resource_type: z.string(),
  name: z.string(),
  package_name: z.string(),
  original_file_path: z.string(),
  raw_code: z.string().default(''),
  description: z.string().default(''),
  access: z.string().optional(),
  group: z.string().nullish(),
  fqn: z.array(z.string()),
  config: z.object({ contract: z.object({ enforced: z.boolean() }).optional(), materialized: z.string().optional() }),
  columns: z.record(
    z.string(),
    z.object({ name: z.string(), description: z.string().default(''), data_type: z.string().nullish() }),
  ),
  test_metadata: z.object({ name: z.string() }).nullish(),
  attached_node: z.string().nullish(),
  depends_on: z.object({ nodes: z.array(z.string()).default([]) }),
});
const manifestSchema = z.object({
  nodes: z.record(z.string(), nodeSchema),
  unit_tests: z.record(z.string(), z.object({ model: z.string() })),
  groups: z.record(
    z.string(),
    z.object({
      name: z.string(),
      owner: z.object({ email: z.union([z.string(), z.array(z.string())]).nullish(), name: z.string().nullish() }),
    }),
  ),
  exposures: z.record(z.string(), z.object({ name: z.string(), depends_on: z.object({ nodes: z.array(z.string()) }) })),
});
type Manifest = z.infer<typeof manifestSchema>;
type Node = z.infer<typeof nodeSchema>;

let manifest: Manifest;
let models: Node[];
let target: string;

beforeAll(async () => {
  target = await mkdtemp(join(tmpdir(), 'meetup-manifest-'));
  const paths = resolvePaths({}, process.env, process.cwd());
  const places = [
    '--project-dir',
    paths.dbtProject,
    '--profiles-dir',
    paths.profiles,
    '--target-path',
    target,
    '--log-path',
    target,
  ];
  await execa(paths.python, ['-m', 'dbt.cli.main', 'parse', ...places], {
    cwd: projectRoot,
    env: { MEETUP_DUCKDB_PATH: ':memory:', DBT_SEND_ANONYMOUS_USAGE_STATS: 'false' },
  });
  manifest = manifestSchema.parse(JSON.parse(await readFile(join(target, 'manifest.json'), 'utf8')));
  models = Object.values(manifest.nodes).filter((node) => node.resource_type === 'model');
}, 180_000);
afterAll(() => rm(target, { recursive: true, force: true }));

const testsOf = (model: Node): string[] =>
  Object.values(manifest.nodes)
    .filter((node) => node.resource_type === 'test' && node.attached_node === model.unique_id)
    .map((node) => node.test_metadata?.name ?? 'own');
const names = (nodes: readonly Node[]): string[] => nodes.map((node) => node.name);
const isPublic = (model: Node): boolean => model.access === 'public';

describe('every model', () => {
  it('of the design exists, in every layer', () => {
    expect(names(models)).toEqual(
      expect.arrayContaining([
        'stg_meetup__groups',
        'stg_meetup__rsvps',
        'dim_groups',
        'dim_members',
        'dim_venues',
        'dim_topics',
        'dim_dates',
        'bridge_group_topics',
        'fct_events',
        'fct_rsvps',
        'fct_memberships',
        'group_scorecard',
        'group_overlap',
        'topic_months',
        'event_performance',
        'rsvp_curves',
        'attendee_cohorts',
        'member_activation',
        'venue_scorecard',
        'time_slots',
        'group_months',
        'member_funnel',
        'data_quality',
      ]),
    );
  });

  it('has an owner with an email address', () => {
    const owners = new Map(Object.values(manifest.groups).map((group) => [group.name, group.owner]));
    const orphaned = models.filter((model) => !owners.get(model.group ?? '')?.email);
    expect(names(orphaned)).toEqual([]);
  });

  it('states its grain in its description', () => {
    expect(names(models.filter((model) => !/\bone row per\b/i.test(model.description)))).toEqual([]);
  });

  it('has a description of each column', () => {
    const undescribed = models.flatMap((model) =>
      Object.values(model.columns)
        .filter((column) => column.description.trim() === '')
        .map((column) => `${model.name}.${column.name}`),
    );
    expect(undescribed).toEqual([]);
    expect(names(models.filter((model) => Object.keys(model.columns).length === 0))).toEqual([]);
  });

  it('has a uniqueness test of its key', () => {
    // Staging models contain every version of every source record, so they have no key.
    const keyTests = /unique/;
    const untested = models.filter(
      (model) => !model.fqn.includes('staging') && !testsOf(model).some((name) => keyTests.test(name)),
    );
    expect(names(untested)).toEqual([]);
  });

  it('uses no function that only one engine has', () => {
    const foreign =
      /\b(epoch_ms|timestamp_millis|list_transform|list_filter|array_agg|string_agg|listagg|collect_list|unnest|explode|struct_pack|named_struct|qualify|strftime|date_format)\s*\(/i;
    const offending = models.filter((model) =>
      foreign.test(model.raw_code.replace(/\{\{.*?\}\}|\{#.*?#\}|--[^\n]*/gs, '')),
    );
    expect(names(offending)).toEqual([]);
  });
});

describe('every public mart', () => {
  it('has an enforced contract with a type for each column', () => {
    const loose = models.filter((model) => isPublic(model) && !model.config.contract?.enforced);
    expect(names(loose)).toEqual([]);
    const untyped = models.filter(isPublic).flatMap((model) =>
      Object.values(model.columns)
        .filter((column) => !column.data_type)
        .map((column) => `${model.name}.${column.name}`),
    );
    expect(untyped).toEqual([]);
  });

  it('has unit tests of its rules', () => {
    const tested = new Set(Object.values(manifest.unit_tests).map((test) => test.model));
    const ruleless = new Set(['dim_dates']);
    const marts = models.filter((model) => isPublic(model) && !ruleless.has(model.name));
    expect(names(marts.filter((model) => !tested.has(model.name)))).toEqual([]);
  });

  it('is the only kind of model that exposures depend on', () => {
    const used = Object.values(manifest.exposures).flatMap((exposure) => exposure.depends_on.nodes);
    expect(used.length).toBeGreaterThan(0);
    expect(used.filter((id) => manifest.nodes[id]?.access !== 'public')).toEqual([]);
  });
});

describe('staging', () => {
  it('consists of models that read one source and join nothing', () => {
    const staging = models.filter((model) => model.fqn.includes('staging'));
    expect(staging.length).toBe(7);
    for (const model of staging)
      expect(model.depends_on.nodes.filter((id) => id.startsWith('source.'))).toHaveLength(
        model.depends_on.nodes.length,
      );
    expect(names(staging.filter((model) => /\bjoin\s+\{\{/i.test(model.raw_code)))).toEqual([]);
  });
});
