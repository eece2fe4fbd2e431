import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { InterruptedError } from '../../src/config/errors.ts';
import type { EngineClient } from '../../src/engine/client.ts';
import type { EngineEvent, NodeResult, TaskAnswer } from '../../src/engine/protocol.ts';
import { openWork } from '../../src/warehouse/duckdb.ts';
import { quietEffects } from '../support/effects.ts';
import { engineOn, numbersSql, type TinyProject, tinyProject } from './project.ts';

// Importing dbt takes three seconds on an idle machine, and many more when all cores are busy.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

let folder: string;
let project: TinyProject;
let engine: EngineClient;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-engine-'));
  project = await tinyProject(folder);
  engine = engineOn(project, quietEffects());
  expect((await engine.build()).status).toBe('pass');
});

afterEach(async () => {
  await project.write('models/numbers.sql', numbersSql);
});

afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

const statusOf = (answer: TaskAnswer, name: string): string | undefined => nodeOf(answer, name)?.status;
const nodeOf = (answer: TaskAnswer, name: string): NodeResult | undefined =>
  answer.nodes.find((node) => node.name === name);
const names = (answer: TaskAnswer): string[] => answer.nodes.map((node) => node.name).sort();

async function read(sql: string): Promise<unknown[][]> {
  const warehouse = await openWork(project.paths);
  try {
    return (await warehouse.query(sql)).rows.map((row) => [...row]);
  } finally {
    await warehouse.close();
  }
}

describe('a build', () => {
  it("runs unit tests, models and data tests in dbt's order, with an event for each start and end", async () => {
    const events: EngineEvent[] = [];
    const answer = await engine.build({}, { onEvent: (event) => events.push(event) });
    expect(answer.status).toBe('pass');
    const ended = events.flatMap((event) => (event.event === 'finished' ? [event.name] : []));
    const started = events.flatMap((event) => (event.event === 'started' ? [event.name] : []));
    expect([...started].sort()).toEqual([...ended].sort());
    const expected = ['numbers', 'unique_numbers_id', 'doubles', 'doubled', 'not_null_doubled_amount', 'total'];
    expect(ended.filter((name) => expected.includes(name))).toEqual(expected);
    expect(events).toContainEqual({ event: 'selected', total: 7 });
    expect(names(answer)).toEqual([...ended].sort());
  });

  it('runs one node at a time if the request has one thread, whatever the profile says', async () => {
    const kinds: string[] = [];
    const note = ({ event }: EngineEvent): void => {
      if (event === 'started' || event === 'finished') kinds.push(event);
    };
    await engine.run({ threads: 1 }, { onEvent: note });
    await engine.affected({ everything: true, threads: 1 }, { onEvent: note });
    expect(kinds.length).toBeGreaterThan(8);
    expect(kinds).toEqual(kinds.map((_, at) => (at % 2 === 0 ? 'started' : 'finished')));
  });

  it('takes the rows of a model from a given query, which is no template, and from its own SQL the next time', async () => {
    const uniqueIds = ['model.tiny.total'];
    const given = await engine.build({
      uniqueIds,
      givenQueries: { 'model.tiny.total': "select '{{ this }}' as total" },
    });
    expect(given.status).toBe('pass');
    expect(await read('select total from total')).toEqual([['{{ this }}']]);
    await engine.build({ uniqueIds });
    expect(await read('select total > 0 from total')).toEqual([[true]]);
  });

  it('builds an incremental model from scratch if dev has --full-refresh, although nothing has changed', async () => {
    const sql = "{{ config(materialized='incremental') }} select {{ 1 if is_incremental() else 2 }} as n";
    await project.write('models/growing.sql', sql);
    try {
      await engine.affected();
      await engine.affected({ everything: true });
      expect(await read('select n from growing order by n')).toEqual([[1], [2]]);
      await engine.affected({ fullRefresh: true });
      expect(await read('select n from growing')).toEqual([[2]]);
    } finally {
      await project.remove('models/growing.sql');
      await engine.affected();
    }
  });

  it('releases the database before it answers', async () => {
    await engine.build();
    expect(await read('select total from total')).toEqual([[200]]);
  });

  it("accepts selectors in dbt's syntax", async () => {
    const answer = await engine.build({ select: ['doubled+'], exclude: ['total'] });
    expect(names(answer)).toEqual(['doubled', 'doubles', 'not_null_doubled_amount']);
  });

  it('can use the project as it was last read, ignoring later changes', async () => {
    await engine.changes();
    await project.write('models/numbers.sql', "select id, 7 as amount from {{ source('raw', 'groups') }}\n");
    expect((await engine.build({ asRead: true })).status).toBe('pass');
    expect(await read('select total from total')).toEqual([[200]]);
    await engine.build();
    expect(await read('select total from total')).not.toEqual([[200]]);
  });

  it('can use the project as last read only in an engine that has read it', async () => {
    const another = engineOn(project, quietEffects());
    try {
      const { status, problems } = await another.build({ asRead: true, target: 'test' });
      expect(status).toBe('invalid');
      expect(problems[0]?.message).toContain('not been parsed yet');
    } finally {
      await another.close();
    }
  });

  it('can be limited to exact ids', async () => {
    const answer = await engine.build({ uniqueIds: ['model.tiny.doubled', 'unit_test.tiny.doubled.doubles'] });
    expect(names(answer)).toEqual(['doubled', 'doubles']);
  });

  it('can be limited to unit tests, in memory', async () => {
    const answer = await engine.test({ resourceTypes: ['unit_test'], target: 'dev' });
    expect(names(answer)).toEqual(['doubles']);
  });

  it('sees tables that another process has replaced in the meantime', async () => {
    await engine.build();
    const warehouse = await openWork(project.paths);
    await warehouse.run('drop table doubled; create view doubled as select 1::bigint as id, 7::bigint as amount');
    await warehouse.close();
    const answer = await engine.build({ select: ['doubled', 'total'] });
    expect(answer.status).toBe('pass');
    expect(await read('select total from total')).toEqual([[200]]);
  });
});

describe('the manifest', () => {
  it('is not parsed again if no file changed', async () => {
    await engine.parse();
    expect(await engine.parse()).toMatchObject({ status: 'ok', kind: 'unchanged', files: [] });
  });

  it('is updated with a changed model without reading other files', async () => {
    await engine.parse();
    await project.write('models/numbers.sql', `${numbersSql}-- a word\n`);
    expect(await engine.parse()).toMatchObject({ kind: 'partial', files: ['models/numbers.sql'] });
  });

  it('is updated after two saves of the same length within one clock tick', async () => {
    for (let round = 0; round < 10; round += 1) {
      await project.write('models/numbers.sql', numbersSql.replace('10', '20'));
      await engine.parse();
      await project.write('models/numbers.sql', numbersSql.replace('10', '30'));
      await engine.build({ uniqueIds: ['model.tiny.numbers'] });
      expect(await read('select max(amount) from numbers')).toEqual([[120]]);
    }
  });

  it('is updated with a new model, a changed macro and a removed model', async () => {
    await project.write('macros/times.sql', '{% macro times(x) %}{{ x }} * 3{% endmacro %}');
    await project.write('models/extra.sql', "select {{ times('amount') }} as amount from {{ ref('numbers') }}");
    expect((await engine.build({ select: ['+extra'] })).status).toBe('pass');
    expect(await read('select max(amount) from extra')).toEqual([[120]]);
    await project.write('macros/times.sql', '{% macro times(x) %}{{ x }} * 5{% endmacro %}');
    expect((await engine.build({ select: ['+extra'] })).status).toBe('pass');
    expect(await read('select max(amount) from extra')).toEqual([[200]]);
    await project.remove('models/extra.sql');
    expect((await engine.build({ select: ['extra'] })).nodes).toEqual([]);
  });

  it('is parsed again for other variables', async () => {
    await project.write('models/numbers.sql', `${numbersSql} where id < {{ var('upto', 100) }}`);
    const select = ['numbers'];
    expect((await engine.build({ select, vars: { upto: 2 } })).status).toBe('pass');
    expect(await read('select count(*) from numbers')).toEqual([[2]]);
    expect((await engine.build({ select })).status).toBe('pass');
    expect(await read('select count(*) from numbers')).toEqual([[5]]);
  });
});

describe('the answer to a build of a broken project', () => {
  /** Builds with the broken file, fixes it, and builds again. */
  async function buildBroken(path: string, broken: string, good: string): Promise<TaskAnswer> {
    await project.write(path, broken);
    const answer = await engine.build();
    await project.write(path, good);
    expect((await engine.build()).status).toBe('pass');
    return answer;
  }

  it('has the file, line and message of a YAML error', async () => {
    const good = 'sources: [{name: raw, tables: [{name: groups}]}]\n';
    const answer = await buildBroken('models/sources.yml', 'sources:\n  - name: raw\n   tables: []\n', good);
    expect(answer).toMatchObject({ status: 'invalid', nodes: [] });
    expect(answer.problems).toMatchObject([{ kind: 'yaml', file: 'models/sources.yml', line: 3 }]);
    expect(answer.problems[0]?.excerpt).toContain('>    3 |    tables: []');
  });

  it('has the file of a fixture with an invalid row', async () => {
    const fixture = (rows: string): string => `unit_tests:
  - name: doubles
    model: doubled
    given: [{input: ref('numbers'), rows: ${rows}}]
    expect: {rows: [{id: 1, amount: 8}]}
`;
    const good = fixture('[{id: 1, amount: 4}]');
    const answer = await buildBroken('../fixtures/models/doubled.yml', fixture('[{id: 1, amount: 4}, 7]'), good);
    expect(answer).toMatchObject({ status: 'invalid', nodes: [] });
    expect(answer.problems[0]?.file).toBe('../fixtures/models/doubled.yml');
  });

  it('has the file and line of a Jinja error', async () => {
    const answer = await buildBroken('models/numbers.sql', 'select 1 as id,\n{{ ref(  }} as amount', numbersSql);
    expect(answer).toMatchObject({ status: 'invalid', nodes: [] });
    expect(answer.problems).toMatchObject([{ kind: 'jinja', file: 'models/numbers.sql', line: 2 }]);
  });

  it('has the file of a ref to a model that does not exist', async () => {
    const answer = await buildBroken('models/numbers.sql', "select * from {{ ref('nowhere') }}", numbersSql);
    expect(answer).toMatchObject({ status: 'invalid', nodes: [] });
    expect(answer.problems[0]?.file).toBe('models/numbers.sql');
    expect(answer.problems[0]?.message).toContain("'nowhere' which was not found");
  });

  it('has the file of a call to a macro that does not exist', async () => {
    const answer = await buildBroken('models/numbers.sql', 'select {{ nothing_like_it() }} as id', numbersSql);
    expect(answer.status).toBe('fail');
    expect(nodeOf(answer, 'numbers')?.problem).toMatchObject({ kind: 'node', file: 'models/numbers.sql' });
    expect(nodeOf(answer, 'numbers')?.problem?.message).toContain("'nothing_like_it' is undefined");
  });

  it('names the models of a cycle', async () => {
    const circular = "select id, amount from {{ ref('doubled') }}";
    const answer = await buildBroken('models/numbers.sql', circular, numbersSql);
    expect(answer.status).toBe('invalid');
    expect(answer.problems[0]?.message).toMatch(/Found a cycle: .*doubled.*numbers/);
  });

  it("has DuckDB's message for a SQL error, the line in the model's file, and the compiled code around it", async () => {
    const broken = "{# one line of Jinja #}\nselect id,\n  amoount\nfrom {{ ref('numbers') }}\n";
    const good = "select id, amount * 2 as amount from {{ ref('numbers') }}\n";
    await project.write('models/doubled.sql', broken);
    const answer = await engine.build({ uniqueIds: ['model.tiny.doubled', 'model.tiny.total'] });
    await project.write('models/doubled.sql', good);
    expect(answer.status).toBe('fail');
    const problem = nodeOf(answer, 'doubled')?.problem;
    expect(problem).toMatchObject({ kind: 'database', file: 'models/doubled.sql', line: 3 });
    expect(problem?.message).toMatch(/^Binder Error: .*"amoount" not found/);
    expect(problem?.message).not.toMatch(/Traceback|Runtime Error/);
    expect(problem?.excerpt).toMatch(/> +\d+ \| {3}amoount/);
    expect(statusOf(answer, 'total')).toBe('skipped');
  });

  it('has the number of rows of a failing data test, and a sample of them', async () => {
    await project.write('models/numbers.sql', numbersSql.replace('select id', 'select nullif(id, 3) as id'));
    const answer = await engine.build();
    expect(nodeOf(answer, 'not_null_numbers_id')).toMatchObject({
      status: 'fail',
      failures: 1,
      sample: { rows: [[null]] },
    });
    expect(statusOf(answer, 'doubled')).toBe('skipped');
  });

  it('has the expected and actual rows of a failing unit test', async () => {
    await project.write('models/doubled.sql', "select id, amount * 3 as amount from {{ ref('numbers') }}\n");
    const answer = await engine.build({ select: ['doubled'] });
    await project.write('models/doubled.sql', "select id, amount * 2 as amount from {{ ref('numbers') }}\n");
    expect(nodeOf(answer, 'doubles')).toMatchObject({
      status: 'fail',
      diff: { expected: [{ id: 1, amount: 8 }], actual: [{ id: 1, amount: 12 }] },
    });
    expect(statusOf(answer, 'doubled')).toBe('skipped');
  });
});

describe('a cancelled request', () => {
  it('stops its query at once, and leaves the table unchanged and the engine alive', async () => {
    await engine.build();
    const before = (await engine.stats()).pid;
    const endless = 'select sum(a.range * b.range) as id, 1 as amount from range(10000000) a, range(10000000) b';
    await project.write('models/numbers.sql', endless);
    const controller = new AbortController();
    let started = 0;
    const building = engine.build(
      { uniqueIds: ['model.tiny.numbers'] },
      {
        signal: controller.signal,
        onEvent: (event) => {
          if (event.event !== 'started') return;
          setTimeout(() => {
            started = performance.now();
            controller.abort();
          }, 300);
        },
      },
    );
    await expect(building).rejects.toThrow(InterruptedError);
    expect(performance.now() - started).toBeLessThan(3000);
    expect(await read('select count(*) from numbers')).toEqual([[5]]);
    await project.write('models/numbers.sql', numbersSql);
    expect((await engine.build()).status).toBe('pass');
    expect((await engine.stats()).pid).toBe(before);
  });

  it('does not start if it is cancelled beforehand', async () => {
    const signal = AbortSignal.abort();
    await expect(engine.build({}, { signal })).rejects.toThrow(InterruptedError);
  });
});

describe('a list of unit tests', () => {
  it("has none that was removed together with a change of its model's YAML", async () => {
    const declare = async (description: string, ...tests: readonly string[]): Promise<string[]> => {
      await project.write(
        'models/z_grouped.yml',
        `groups: [{name: g, owner: {name: o}}]\nmodels: [{name: grouped, description: ${description}, config: {group: g}}]\n`,
      );
      const listed = tests.map((name) => `  - {name: ${name}, model: grouped, given: [], expect: {rows: [{x: 1}]}}\n`);
      await project.write('models/a_tests.yml', `unit_tests:\n${listed.join('')}`);
      const { tests: found } = await engine.fixtureList();
      return found.filter(({ model }) => model === 'grouped').map(({ name }) => name);
    };
    await project.write('models/grouped.sql', 'select 1 as x\n');
    expect(await declare('first', 'kept', 'removed')).toEqual(['kept', 'removed']);
    expect(await declare('second', 'kept')).toEqual(['kept']);
  });
});
