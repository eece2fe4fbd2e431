import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Finding, findingsIn, readProject } from '../../src/ci/checks/check.ts';
import type { CheckedManifest } from '../../src/ci/checks/manifest.ts';
import { readJsonFile } from '../../src/config/json-file.ts';
import { resolvePaths } from '../../src/config/paths.ts';
import { ruleNames, ruleSetting } from '../../src/config/project/check-settings.ts';
import { quietEffects } from '../support/effects.ts';
import { ownersPage } from './owners-page.ts';

/** Conventions that `meetup ci` checks in any project, and those that only this one has. */
const manifestSchema = z.object({
  nodes: z.record(
    z.string(),
    z.object({
      resource_type: z.string(),
      name: z.string(),
      raw_code: z.string().default(''),
      fqn: z.array(z.string()),
    }),
  ),
});
type Node = z.infer<typeof manifestSchema>['nodes'][string];

const own = resolvePaths({}, process.env, process.cwd());
let findings: readonly Finding[];
let models: Node[];
let checked: CheckedManifest;
let state: string;

beforeAll(async () => {
  state = await mkdtemp(join(tmpdir(), 'meetup-conventions-'));
  const paths = { ...own, state };
  const read = await readProject(paths, quietEffects({ env: process.env }), { followsPersonal: true });
  checked = read.manifest;
  findings = (await findingsIn(read, paths)).findings;
  const manifest = await readJsonFile(join(paths.state, 'checks', 'manifest.json'), manifestSchema, 'remove it');
  models = Object.values(manifest.nodes).filter((node) => node.resource_type === 'model');
}, 180_000);
afterAll(() => rm(state, { recursive: true, force: true }));

const names = (nodes: readonly Node[]): string[] => nodes.map((node) => node.name);

describe('this project', () => {
  it('has every rule of `meetup ci --only checks` as an error, and no finding', () => {
    expect(ruleNames.filter((name) => ruleSetting(own.settings.checks, name).severity !== 'error')).toEqual([]);
    expect(findings).toEqual([]);
  });

  it('has its owners in docs/owners.md', async () => {
    await expect(ownersPage(checked)).toMatchFileSnapshot('../../../docs/owners.md');
  });

  it('keeps models private that only their own group reads', () => {
    const all = Object.values(checked.nodes).filter(({ resource_type: kind }) => kind === 'model');
    const groupsThatRead = ({ unique_id: id }: (typeof all)[number]): Set<unknown> =>
      new Set(all.filter((reader) => reader.depends_on.nodes.includes(id)).map(({ group }) => group));
    const internal = all.filter(({ access }) => access !== 'public');
    const own = internal.filter((model) => [...groupsThatRead(model)].every((group) => group === model.group));
    expect(own.length).toBeGreaterThan(10);
    const named = (some: typeof all): string[] => some.map(({ name }) => name);
    expect(named(internal.filter(({ access }) => access === 'private'))).toEqual(named(own));
  });

  it('uses no function that only one engine has', () => {
    const foreign =
      /\b(epoch_ms|timestamp_millis|list_transform|list_filter|array_agg|string_agg|listagg|collect_list|unnest|explode|struct_pack|named_struct|qualify|strftime|date_format)\s*\(/i;
    const offending = models.filter((model) =>
      foreign.test(model.raw_code.replace(/\{\{.*?\}\}|\{#.*?#\}|--[^\n]*/gs, '')),
    );
    expect(models.length).toBeGreaterThan(40);
    expect(names(offending)).toEqual([]);
  });

  it('joins nothing in staging', () => {
    const staging = models.filter((model) => model.fqn.includes('staging'));
    expect(staging.length).toBe(8);
    expect(names(staging.filter((model) => /\bjoin\s+\{\{/i.test(model.raw_code)))).toEqual([]);
  });
});
