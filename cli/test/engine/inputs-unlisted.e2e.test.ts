import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { EngineClient } from '../../src/engine/client.ts';
import type { AffectedAnswer } from '../../src/engine/protocol.ts';
import { quietEffects } from '../support/effects.ts';
import { workRows } from '../support/rows.ts';
import { hasItsTurn } from '../support/sampled.ts';
import { type TinyProject, tinyProject } from './project.ts';

const describeInTurn = describe.skipIf(!hasItsTurn('unlisted inputs'));

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const deterministic = "select n from {{ ref('constant') }}\n";

// dbt allows secrets only in the profile.
const profile = `
tiny:
  target: dev
  outputs:
    dev:
      type: duckdb
      path: "{{ env_var('MEETUP_DUCKDB_PATH') }}"
      schema: main
      threads: 2
      config_options: {custom_user_agent: "{{ env_var('DBT_ENV_SECRET_WORD', 'none') }}"}
    test: {type: duckdb, path: ':memory:', schema: main, threads: 1}
`;

/** Models with inputs that neither dbt's manifest nor a comparison of compiled SQL reveals. */
const files: Record<string, string> = {
  'models/constant.sql': 'select 1 as n\n',
  'models/other.sql': 'select 2 as n\n',
  'macros/apply.sql': '{% macro call(f) %}{{ return(f()) }}{% endmacro %}\n',
  'macros/chosen.sql': "{% macro chosen() %}{{ return(ref('constant')) }}{% endmacro %}\n",
  'macros/kind.sql': "{% macro kind() %}{{ config(materialized='table') }}{% endmacro %}\n",
  'models/refers.sql': 'select n from {{ call(chosen) }}\n',
  'models/configured.sql': '{{ call(kind) }}select 1 as n\n',
  // Replaced in each test, one at a time.
  'models/subject.sql': deterministic,
  'models/subject_view.sql': "{{ config(materialized='view') }}select n from {{ ref('constant') }}\n",
  'models/above_view.sql': "select n from {{ ref('subject_view') }}\n",
  'macros/chance.sql': "{% macro chance() %}{{ 'ran' ~ 'dom' }}(){% endmacro %}\n",
  'tests/subject_test.sql': "select 1 from {{ ref('constant') }} where n > 1\n",
  'snapshots/subject_snapshot.sql':
    "{% snapshot subject_snapshot %}{{ config(unique_key='n', strategy='check', check_cols='all') }}select n from {{ ref('constant') }}{% endsnapshot %}\n",
};

const unitTest = `
unit_tests:
  - name: subject_keeps_n
    model: subject
    given: [{input: ref('constant'), rows: [{n: 7}]}]
    expect: {rows: [{n: 7}]}
`;

let folder: string;
let project: TinyProject;
let engine: EngineClient;
const env: Record<string, string | undefined> = { PATH: process.env.PATH };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-unlisted-'));
  project = await tinyProject(folder);
  for (const [path, text] of Object.entries(files)) await project.write(path, text);
  await project.write('../profiles/profiles.yml', profile);
  await project.write('seeds/listed.csv', 'n\n1\n');
  engine = new EngineClient(project.paths, quietEffects({ env }));
  expect(await build()).toMatchObject({ problems: [], failing: [], status: 'pass' });
  expect(ran(await build())).toEqual([]);
});

afterAll(async () => {
  await engine?.close();
  await rm(folder, { recursive: true, force: true });
});

const build = (): Promise<AffectedAnswer> => engine.affected({ target: 'dev' });
const ran = (answer: AffectedAnswer): string[] => answer.nodes.map(({ name }) => name).sort();

const rows = (sql: string) => workRows(project.paths, sql);

/** Builds with changed text in a file, and then with the original text. */
async function withFile(path: string, text: string, look: (answer: AffectedAnswer) => unknown): Promise<void> {
  await project.write(path, text);
  try {
    await look(await build());
  } finally {
    await project.write(path, files[path] ?? '');
  }
  expect(await build()).toMatchObject({ problems: [], failing: [], status: 'pass' });
  expect(ran(await build())).toEqual([]);
}

describeInTurn('a macro that dbt lists as a dependency of no node', () => {
  it('rebuilds a model whose refs it determines', () =>
    withFile('macros/chosen.sql', "{% macro chosen() %}{{ return(ref('other')) }}{% endmacro %}\n", async (answer) => {
      expect(answer.problems).toEqual([]);
      expect(ran(answer)).toContain('refers');
      expect(await rows('select n from main.refers')).toEqual([[2]]);
    }));

  it('rebuilds a model whose materialization it determines', () =>
    withFile(
      'macros/kind.sql',
      "{% macro kind() %}{{ config(materialized='view') }}{% endmacro %}\n",
      async (answer) => {
        expect(ran(answer)).toContain('configured');
        expect(await rows("select table_type from information_schema.tables where table_name = 'configured'")).toEqual([
          ['VIEW'],
        ]);
      },
    ));
});

describeInTurn('a new macro', () => {
  it('that replaces one of dbt rebuilds the models that it renames', async () => {
    await project.write(
      'macros/alias.sql',
      '{% macro generate_alias_name(custom_alias_name=none, node=none) %}renamed_{{ node.name }}{% endmacro %}\n',
    );
    expect(await build()).toMatchObject({ problems: [], status: 'pass' });
    expect(await rows('select n from main.renamed_refers')).toEqual([[1]]);
    await project.remove('macros/alias.sql');
    expect(await build()).toMatchObject({ problems: [], status: 'pass' });
    expect(ran(await build())).toEqual([]);
    // A snapshot's table holds what nothing else does: it is never dropped.
    expect(await rows("select table_name from information_schema.tables where table_name like 'renamed%'")).toEqual([
      ['renamed_subject_snapshot'],
    ]);
  });

  it('that makes a dispatched call choose another implementation rebuilds the models that call it', async () => {
    await project.write(
      'macros/dispatched.sql',
      "{% macro number() %}{{ return(adapter.dispatch('number')()) }}{% endmacro %}{% macro default__number() %}1{% endmacro %}\n",
    );
    await project.write('models/dispatches.sql', 'select {{ number() }} as n\n');
    expect(await build()).toMatchObject({ problems: [], status: 'pass' });
    await project.write('macros/duckdb_number.sql', '{% macro duckdb__number() %}2{% endmacro %}\n');
    expect(await build()).toMatchObject({ problems: [], status: 'pass' });
    expect(await rows('select n from main.dispatches')).toEqual([[2]]);
    await project.remove('macros/duckdb_number.sql');
    expect(await build()).toMatchObject({ problems: [], status: 'pass' });
    expect(await rows('select n from main.dispatches')).toEqual([[1]]);
    await project.remove('models/dispatches.sql');
    await project.remove('macros/dispatched.sql');
    expect(await build()).toMatchObject({ problems: [], status: 'pass' });
  });
});

describeInTurn('SQL that is not deterministic', () => {
  it.each([
    ['a random number', 'select random() as n'],
    ['the clock', 'select now() as n'],
    ['the clock through a keyword', 'select current_date as n'],
    ['a sample', "select n from {{ ref('constant') }} using sample 1"],
    ['a function whose name a macro computes', 'select {{ chance() }} as n'],
    ['a file', "select n from read_csv('SEED')"],
    ['a file in the place of a table', "select n from 'SEED'"],
    ['a table with a computed name', "select n from query_table('main.constant')"],
  ])('runs in every build in a model that reads %s', (_, sql) =>
    withFile(
      'models/subject.sql',
      sql.replace('SEED', join(project.paths.dbtProject, 'seeds/listed.csv')),
      async () => {
        expect(ran(await build())).toEqual(['subject']);
      },
    ),
  );

  it('is not found in comments', () =>
    withFile('models/subject.sql', `-- unlike random()\n${deterministic}`, async () =>
      expect(ran(await build())).toEqual([]),
    ));

  it('runs in every build in a data test', () =>
    withFile('tests/subject_test.sql', "select 1 from {{ ref('constant') }} where now() is null\n", async () =>
      expect(ran(await build())).toEqual(['subject_test']),
    ));

  it('runs in every build in a model that reads a view with it, but the view itself does not run again', () =>
    withFile(
      'models/subject_view.sql',
      "{{ config(materialized='view') }}select random() as n from {{ ref('constant') }}\n",
      async () => expect(ran(await build())).toEqual(['above_view']),
    ));

  it('runs in every build in an incremental model', () =>
    withFile(
      'models/subject.sql',
      "{{ config(materialized='incremental') }}select n, random() as chance from {{ ref('constant') }}\n",
      async () => expect(ran(await build())).toEqual(['subject']),
    ));

  it('runs in every build in a model together with its unit test', () =>
    withFile('models/subject.sql', "select n, now() as built_at from {{ ref('constant') }}\n", async () => {
      await project.write('models/subject.yml', unitTest);
      expect(ran(await build())).toEqual(['subject', 'subject_keeps_n']);
      expect(ran(await build())).toEqual(['subject', 'subject_keeps_n']);
      await project.remove('models/subject.yml');
    }));

  it('runs in every build in a snapshot', () =>
    withFile(
      'snapshots/subject_snapshot.sql',
      (files['snapshots/subject_snapshot.sql'] ?? '').replace('select n from', 'select n + 0 * random() as n from'),
      async () => expect(ran(await build())).toEqual(['subject_snapshot']),
    ));
});

describeInTurn('a comparison with a base commit or a deployment', () => {
  it('always counts a nondeterministic model as changed', async () => {
    await project.write('models/subject.sql', 'select now() as n\n');
    const { nodes } = await engine.changes({});
    await project.write('models/subject.sql', deterministic);
    const fingerprints = new Map(nodes.map(({ name, fingerprint }) => [name, fingerprint]));
    expect(fingerprints.get('subject')).toBeNull();
    expect(fingerprints.get('refers')).not.toBeNull();
  });
});

describeInTurn('the environment', () => {
  it('is rejected if it contains DBT_STORE_FAILURES', async () => {
    env.DBT_STORE_FAILURES = '1';
    const answer = await build();
    delete env.DBT_STORE_FAILURES;
    expect(answer).toMatchObject({ status: 'invalid', nodes: [], problems: [{ kind: 'environment' }] });
    expect(answer.problems[0]?.message).toContain('DBT_STORE_FAILURES is set in the environment');
  });

  it('may contain a secret: changing it rebuilds the models that read it, and no file contains it', async () => {
    env.DBT_ENV_SECRET_WORD = 'a-word-that-nobody-may-see';
    const answer = await build();
    expect(answer).toMatchObject({ problems: [], status: 'pass' });
    expect(ran(answer)).toContain('constant');
    expect(ran(await build())).toEqual([]);
    env.DBT_ENV_SECRET_WORD = 'another-word-that-nobody-may-see';
    expect(ran(await build())).toContain('constant');
    await engine.close();
    delete env.DBT_ENV_SECRET_WORD;
    engine = new EngineClient(project.paths, quietEffects({ env }));
    const state = join(folder, 'state');
    const entries = await readdir(state, { recursive: true, withFileTypes: true });
    const inside = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    expect(inside.length).toBeGreaterThan(2);
    for (const file of inside) expect((await readFile(file)).includes('word-that-nobody'), file).toBe(false);
  });
});
