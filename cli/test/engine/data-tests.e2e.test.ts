import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { EngineClient } from '../../src/engine/client.ts';
import type { NodeResult } from '../../src/engine/protocol.ts';
import { quietEffects } from '../support/effects.ts';
import { type TinyProject, tinyProject } from './project.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** A model whose n are 1 to `rows`, of which the last is missing from `word` and `even`. */
const subject = (rows: number): string => `
select range as n, case when range < ${rows} then 'a' end as word, case when range % 2 = 0 then range end as even, 'x' as "two words"
from range(1, ${rows + 1})
`;

/** All kinds of tests: some are counted together, and others have to run by themselves. */
const tests = `
models:
  - name: subject
    columns:
      - name: n
        data_tests:
          - unique
          - not_null
          - below: {arguments: {bound: 6}}
          - below: {name: warns_of_large, arguments: {bound: 5}, config: {severity: warn}}
          - below: {name: tolerates_two, arguments: {bound: 5}, config: {error_if: '> 2', warn_if: '> 1'}}
          - below: {name: some_of_them, arguments: {bound: 3}, config: {where: 'n < 5'}}
          - below: {name: the_first_of_them, arguments: {bound: 2}, config: {limit: 1}}
          - below: {name: adds_them_up, arguments: {bound: 4}, config: {fail_calc: 'coalesce(sum(n), 0)'}}
          - below: {name: stored, arguments: {bound: 5}, config: {store_failures: true}}
          - accepted_values: {arguments: {values: [1, 2, 3, 4, 5, 6, 7, 8, 9], quote: false}}
          - breaks_for_large
      - name: word
        data_tests: [not_null, below_itself]
      - name: two words
        quote: true
        data_tests: [not_null]
`;

const macros = `
{% test below(model, column_name, bound) %}
select * from {{ model }} where {{ column_name }} >= {{ bound }}
{% endtest %}
{% test below_itself(model, column_name) %}
select even as n from {{ model }} where n > 3 and even > n -- the name is also that of a column
{% endtest %}
{% test breaks_for_large(model, column_name) %}
select n from {{ model }} where case when n > 6 then cast('not a number' as integer) = 1 else false end
{% endtest %}
`;

const verdicts = (nodes: readonly NodeResult[]): Record<string, unknown> =>
  Object.fromEntries(
    nodes
      .filter(({ resourceType }) => resourceType === 'test')
      .map(({ name, status, failures, message }) => [
        name,
        { status, failures: failures ?? null, message: message?.split('\n')[0] ?? null },
      ]),
  );

let folder: string;
let project: TinyProject;
let engine: EngineClient;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-data-tests-'));
  project = await tinyProject(folder);
  await project.write('models/subject.sql', subject(2));
  await project.write('models/subject.yml', tests);
  await project.write('macros/tests.sql', macros);
  engine = new EngineClient(project.paths, quietEffects({ env: { PATH: process.env.PATH } }));
  await engine.affected();
  await project.write('models/subject.sql', subject(3));
  await engine.affected();
});

afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

describe('data tests that are counted together', () => {
  // Fewer and more rows than the tests allow, in both directions.
  it.each([1, 8, 4, 5, 6, 7, 2])('have the verdicts and counts of dbt (%i rows)', async (rows) => {
    const file = await project.write('models/subject.sql', subject(rows));
    const answer = await engine.affected({ files: [file] });
    expect(answer.problems).toEqual([]);
    const byDbt = await engine.test({ select: ['subject'] });
    expect(verdicts(answer.nodes)).toEqual(verdicts(byDbt.nodes));
    expect(Object.keys(verdicts(answer.nodes))).toHaveLength(14);
  });
});
