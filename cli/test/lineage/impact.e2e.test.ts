import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ImpactReport, reportOn } from '../../src/commands/impact.ts';
import { EngineClient } from '../../src/engine/client.ts';
import type { Lineage } from '../../src/lineage/graph.ts';
import { readLineage } from '../../src/lineage/read-lineage.ts';
import { renderImpact } from '../../src/terminal/impact.ts';
import { styleFor } from '../../src/text/style.ts';
import { type TinyProject, tinyProject } from '../engine/project.ts';
import { quietEffects } from '../support/effects.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 240_000 });

const files: Readonly<Record<string, string>> = {
  'seeds/people.csv': 'id,email,city\n1,a@example.com,Berlin\n',
  'models/renamed.sql':
    "with everyone as (select * from {{ ref('people') }}) select id, email as contact, city as town from everyone\n",
  'models/ephemeral.sql':
    "{{ config(materialized='ephemeral') }} select *, upper(town) as loud from {{ ref('renamed') }}\n",
  'models/merged.sql': `{{ config(materialized='incremental', unique_key='id') }}
select id, loud, contact from {{ ref('ephemeral') }}
{% if is_incremental() %}
where id > (select max(id) from {{ this }}) and id in (select changed.id from merged__changed as changed)
{% endif %}
`,
  'models/towns.sql': "select town, count(*) as n from {{ ref('renamed') }} group by all\n",
  'models/dynamic.sql': "select columns('id|contact') from {{ ref('renamed') }}\n",
  'models/place_v1.sql': "select city from {{ ref('people') }}\n",
  'models/place_v2.sql': "select city, id from {{ ref('people') }}\n",
  'models/more.yml': `
models:
  - {name: place, latest_version: 2, versions: [{v: 1}, {v: 2}]}
  - name: merged
    columns: [{name: contact, data_tests: [not_null]}, {name: loud, data_tests: [unique]}]
exposures:
  - name: map
    type: dashboard
    url: https://example.com/map
    owner: {name: Maps, email: maps@example.com}
    depends_on: [ref('towns')]
`,
  'models/days.sql': "select cast('2026-01-01' as date) as day_on\n",
  'models/metrics.yml': `
models:
  - name: days
    time_spine: {standard_granularity_column: day_on}
    columns: [{name: day_on, granularity: day}]
semantic_models:
  - name: people
    model: ref('merged')
    defaults: {agg_time_dimension: since}
    primary_entity: person
    dimensions:
      - {name: since, type: time, expr: cast(loud as date), type_params: {time_granularity: day}}
      - {name: way, type: categorical, expr: contact}
    measures:
      - {name: person_count, agg: count, expr: id}
      - {name: id_sum, agg: sum, expr: id}
metrics:
  - {name: everyone, label: Everyone, type: simple, type_params: {measure: person_count}}
  - name: reachable
    label: Reachable
    type: simple
    type_params: {measure: person_count}
    filter: "{{ Dimension('person__way') }} is not null"
  - {name: reach, label: Reach, type: ratio, type_params: {numerator: reachable, denominator: everyone}}
`,
};

let folder: string;
let project: TinyProject;
let lineage: Lineage;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-impact-'));
  project = await tinyProject(folder, { raw: false });
  for (const [path, text] of Object.entries(files)) await project.write(path, text);
  await mkdir(join(folder, 'queries/board'), { recursive: true });
  await writeFile(join(folder, 'queries/board/loudest.sql'), 'select loud from merged order by loud limit 1;\n');
  await writeFile(join(folder, 'queries/towns.sql'), 'select n from towns\n');
  const engine = new EngineClient(project.paths, quietEffects({ env: process.env }));
  lineage = await readLineage(engine, project.paths).finally(() => engine.close());
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const impact = (of: string, mermaid = false): ImpactReport => reportOn(lineage, { paths: project.paths, of, mermaid });
const columns = (report: ImpactReport): Record<string, readonly string[] | 'rows'> =>
  Object.fromEntries(report.models.map((model) => [model.name, model.rows ? 'rows' : model.columns]));
const readers = (report: ImpactReport, kind: string): string[] =>
  report.readers.filter((reader) => reader.kind === kind).map(({ name }) => name);

describe('meetup impact', () => {
  it('follows a column through a star, a new name and an ephemeral model to the seed', () => {
    const report = impact('merged.loud');
    expect(report.fedBy.map(({ name, column }) => `${name}.${column}`)).toEqual(
      expect.arrayContaining(['renamed.town', 'people.city']),
    );
    expect(report.fedBy.map(({ column }) => column)).not.toContain('email');
  });

  it('names a temporary table that decides which rows there are', () => {
    const text = renderImpact(impact('merged.loud'), styleFor({}, {}));
    expect(text).toMatch(/^ *merged__changed \(id\)$/m);
  });

  it('names the columns that a change can alter, the tests and the queries that read them', () => {
    const report = impact('people.email');
    expect(columns(report)).toMatchObject({ renamed: ['contact'], merged: ['contact'] });
    expect(columns(report)).not.toHaveProperty('towns');
    expect(readers(report, 'test')).toEqual([expect.stringContaining('merged_contact')]);
    expect(readers(report, 'query')).toEqual([]);
  });

  it('tells a change of values from one of rows, with exposures and saved queries', () => {
    const report = impact('people.city');
    expect(columns(report)).toMatchObject({ renamed: ['town'], merged: ['loud'], towns: 'rows' });
    expect(report.readers).toContainEqual({
      kind: 'exposure',
      name: 'map',
      owner: 'Maps',
      url: 'https://example.com/map',
    });
    expect(readers(report, 'query')).toEqual(['queries/board/loudest.sql', 'queries/towns.sql']);
    expect(renderImpact(report, styleFor({}, {}))).toContain('towns  rows and all columns');
  });

  it('names the metrics whose measure, time dimension, filter or input reads the column', () => {
    expect(readers(impact('merged.contact'), 'metric')).toEqual(['reachable', 'reach']);
    expect(readers(impact('people.id'), 'metric')).toEqual(['everyone', 'reachable', 'reach']);
    expect(readers(impact('merged.loud'), 'metric')).toEqual(['everyone', 'reachable', 'reach']);
    expect(readers(impact('towns.n'), 'metric')).toEqual([]);
    expect(readers(impact('merged.contact'), 'semantic_model')).toEqual(['people']);
  });

  it('takes every column of a model whose SQL it cannot resolve, and says so', () => {
    const { models } = impact('people.email');
    const dynamic = models.find(({ name }) => name === 'dynamic');
    expect(dynamic).toMatchObject({ rows: true, reason: "columns can't be resolved" });
  });

  it('takes the latest version of a model unless one is named', () => {
    const fedBy = (of: string) => impact(of).fedBy.map(({ column }) => column);
    expect(fedBy('place.id')).toEqual(['id']);
    expect(fedBy('place.v2.id')).toEqual(['id']);
    expect(() => impact('place.v1.id')).toThrow("place.v1 has no column 'id'; it has city.");
  });

  it('draws a flowchart', () => {
    const { mermaid } = impact('towns.town', true);
    expect(mermaid?.split('\n')[0]).toBe('flowchart LR');
    expect(mermaid).toContain('["people"]');
    expect(mermaid).toMatch(/m\d+c\d+ --> m\d+c\d+/);
  });

  it('names what there is instead of a model or column that does not exist', () => {
    expect(() => impact('merge')).toThrow("No model, seed or source is named 'merge'; there is merged.");
    expect(() => impact('merged.lod')).toThrow("merged has no column 'lod'; it has id, loud, contact.");
  });
});
