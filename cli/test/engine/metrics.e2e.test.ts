import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { EngineClient } from '../../src/engine/client.ts';
import { quietEffects } from '../support/effects.ts';
import { type TinyProject, tinyProject } from './project.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

const days = `
models:
  - name: days
    time_spine: {standard_granularity_column: day_on}
    columns: [{name: day_on, granularity: day}]
`;

const metrics = (measure: string, of = 'amounts'): string => `${days}
semantic_models:
  - name: numbers
    model: ref('numbers')
    defaults: {agg_time_dimension: day_on}
    primary_entity: number
    dimensions:
      - {name: day_on, type: time, expr: current_date, type_params: {time_granularity: day}}
    measures:
      - {name: amounts, agg: sum, expr: ${measure}}
metrics:
  - {name: amount, label: Amount, type: simple, type_params: {measure: ${of}}}
`;

let folder: string;
let project: TinyProject;
let engine: EngineClient;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-metrics-'));
  project = await tinyProject(folder);
  await project.write('models/days.sql', "select cast('2026-01-01' as date) as day_on\n");
  await project.write('models/metrics.yml', metrics('amount'));
  engine = new EngineClient(project.paths, quietEffects({ env: process.env }));
  expect(await engine.affected()).toMatchObject({ problems: [], status: 'pass' });
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

const readsOfMetric = async (): Promise<unknown> =>
  (await engine.lineage({})).readers.find(({ resourceType }) => resourceType === 'metric')?.reads;

it('reads an edited metric at once, and builds nothing for it', async () => {
  await project.write('models/metrics.yml', metrics('id'));
  expect(await engine.affected()).toMatchObject({ status: 'pass', nodes: [], parse: { kind: 'partial' } });
  expect(await readsOfMetric()).toEqual([{ node: 'model.tiny.numbers', column: 'id' }]);
  await project.write('models/metrics.yml', metrics('amount'));
  expect(await readsOfMetric()).toEqual([{ node: 'model.tiny.numbers', column: 'amount' }]);
});

it('says what is wrong with a metric and in which file, and goes on when it is corrected', async () => {
  await project.write('models/metrics.yml', metrics('amount', 'amuonts'));
  expect((await engine.affected()).problems).toMatchObject([
    { file: 'models/metrics.yml', message: expect.stringContaining('amuonts') },
  ]);
  await project.write('models/metrics.yml', metrics('amount').replace('agg_time_dimension: day_on', ''));
  expect((await engine.affected()).problems).toMatchObject([
    { file: 'models/metrics.yml', message: expect.stringMatching(/time dimension.*amounts|amounts.*time dimension/i) },
  ]);
  await project.write('models/metrics.yml', metrics('amount'));
  expect(await engine.affected()).toMatchObject({ status: 'pass', problems: [], nodes: [] });
});

it('reads a ratio again when a metric of another file that it is made of has another measure', async () => {
  const whole = 'name: whole, label: Whole, type: ratio, type_params: {numerator: amount, denominator: amount}';
  await project.write('models/ratios.yml', `metrics: [{${whole}}]\n`);
  expect((await engine.metrics()).definitions).toContain('whole');
  const renamed = metrics('amount', 'sums').replace('{name: amounts, agg', '{name: sums, agg');
  await project.write('models/metrics.yml', renamed);
  expect(await engine.metrics()).toMatchObject({ status: 'pass', problems: [] });
  const { definitions } = await engine.metrics();
  expect(definitions).not.toContain('amounts');
  await project.write('models/metrics.yml', metrics('amount'));
  expect(await engine.metrics()).toMatchObject({ status: 'pass', problems: [] });
});
