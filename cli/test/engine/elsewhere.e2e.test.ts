import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { EngineClient } from '../../src/engine/client.ts';
import { quietEffects } from '../support/effects.ts';
import { engineOn, type TinyProject, tinyProject } from './project.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

let folder: string;
let project: TinyProject;
let engine: EngineClient;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-elsewhere-'));
  project = await tinyProject(folder);
  engine = engineOn(project, quietEffects());
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

async function without<T>(path: string, text: string, work: () => Promise<T>): Promise<T> {
  await project.write(path, text);
  try {
    return await work();
  } finally {
    await project.remove(path);
  }
}

describe('a model that meetup can not run', () => {
  it.each([
    ['models/py.py', 'def model(dbt, session):\n    return dbt.ref("total")\n', 'py is a Python model'],
    [
      'models/mb.sql',
      `{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='id', batch_size='day', begin='2026-01-01') }} select 1 as id`,
      'mb has the incremental strategy microbatch',
    ],
    ['models/odd.sql', `{{ config(meta={'engine': 'spark'}) }} select 1 as id`, "odd has meta.engine 'spark'"],
  ])('is refused by name before anything runs: %s', async (path, text, message) => {
    const answer = await without(path, text, () => engine.build({ target: 'dev' }));
    expect(answer).toMatchObject({ status: 'invalid', nodes: [] });
    expect(answer.problems).toMatchObject([
      { kind: 'unsupported', file: path, message: expect.stringContaining(message) },
    ]);
  });

  it('is not in the way if it is disabled', async () => {
    const text = 'def model(dbt, session):\n    dbt.config(enabled=False)\n    return dbt.ref("total")\n';
    const answer = await without('models/py.py', text, () => engine.build({ target: 'dev' }));
    expect(answer.status).toBe('pass');
  });
});

describe('a model that is written for Databricks', () => {
  it('is left out of every local build and its tests too, with what reads it, and nothing else', async () => {
    await project.write(
      'models/lake.sql',
      "{{ config(meta={'engine': 'databricks'}) }} select explode(array(1)) as id from {{ ref('numbers') }}",
    );
    await project.write('models/below.sql', "select id from {{ ref('lake') }}");
    await project.write(
      'models/lake.yml',
      `models: [{name: below, columns: [{name: id, data_tests: [unique]}]}]
unit_tests:
  - {name: counts, model: below, given: [{input: ref('lake'), rows: [{id: 1}]}], expect: {rows: [{id: 1}]}}
`,
    );
    const elsewhere = [
      { name: 'lake', reason: 'it is written for databricks' },
      { name: 'below', reason: 'it reads lake' },
    ];
    const built = await engine.build({ target: 'dev' });
    const affected = await engine.affected({ target: 'dev' });
    const tests = await engine.fixtureList({ target: 'dev' });
    for (const answer of [built, affected]) {
      expect(answer.status).toBe('pass');
      expect(answer.nodes.map(({ name }) => name)).not.toContain('below');
      expect(answer.elsewhere).toEqual(expect.arrayContaining(elsewhere));
      expect(answer.elsewhere).toHaveLength(2);
    }
    expect(built.nodes.map(({ name }) => name)).toContain('total');
    expect(tests.tests.map(({ name }) => name)).toEqual(['doubles']);
  });
});

describe('a file that is not YAML', () => {
  it('is named, wherever it lies', async () => {
    const schema = await without('models/deep/broken.yml', 'models: [\n', () => engine.build({ target: 'dev' }));
    expect(schema.problems).toMatchObject([{ file: 'models/deep/broken.yml', line: expect.any(Number) }]);
  });
});
