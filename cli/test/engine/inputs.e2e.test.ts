import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { EngineClient } from '../../src/engine/client.ts';
import type { AffectedAnswer } from '../../src/engine/protocol.ts';
import { quietEffects } from '../support/effects.ts';
import { workRows } from '../support/rows.ts';
import { hasItsTurn } from '../support/sampled.ts';
import { numbersSql, type TinyProject, tinyProject } from './project.ts';

const describeInTurn = describe.skipIf(!hasItsTurn('listed inputs'));

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const bigSeed = (value: string): string =>
  `id,label\n${Array.from({ length: 60_000 }, (_, i) => `${i},a label that takes up some space ${i}`).join('\n')}\n60000,${value}\n`;

const dbtProject = (more = ''): string => `
name: tiny
version: 1.0.0
profile: tiny
model-paths: [models, ../fixtures/models, "../shared models"]
target-path: "{{ env_var('MEETUP_DBT_TARGET') }}"
flags: {send_anonymous_usage_stats: false}
models: {tiny: {+materialized: table}}
seeds: {tiny: {+column_types: {label: varchar}}}
${more}`;

/** A project that reads its inputs in every possible way. */
const files: Record<string, string> = {
  'dbt_project.yml': dbtProject(
    "vars: {renamed: one, asked: yes, limit_of_test: 1000, templated: \"{{ env_var('IN_VAR', 'a') }}\"}",
  ),
  'models/numbers.sql': numbersSql,
  'models/models.yml': 'models: [{name: doubled, columns: [{name: amount, data_tests: [not_null]}]}]\n',
  'models/of_environment.sql': "select '{{ env_var('HB_LABEL', 'none') }}' as label\n",
  'models/of_made_up_name.sql': "select '{{ env_var('HB_' ~ 'MADE_' ~ target.name, 'none') }}' as label\n",
  'models/of_renamed_function.sql': "{% set e = env_var %}select '{{ e('HB_LABEL', 'none') }}' as label\n",
  'models/of_renamed_var.sql': "{% set v = var %}select '{{ v('renamed') }}' as label\n",
  'models/of_has_var.sql': "select {% if var.has_var('asked') %}1{% else %}0{% endif %} as asked\n",
  'models/of_templated_var.sql': "select '{{ var('templated') }}' as label\n",
  'models/of_argument.sql': 'select {{ apply(plus_one, 1) }} as number\n',
  'models/of_context.sql': "select {{ context['plus_' ~ 'one'](10) }} as number\n",
  'models/of_package.sql': 'select {{ dbt_local.tripled(2) }} as number\n',
  'models/of_block.sql': "{% set t %}a  b -- c{% endset %}select '{{ t }}' as label\n",
  'models/of_escape.sql': "select E'it\\'s -- x' as label\n",
  'models/of_query.sql':
    "{% set n = run_query('select 41 + 1') %}select {{ n.columns[0].values()[0] if execute else 0 }} as n\n",
  'models/of_hook.sql': "{{ config(post_hook=\"{{ add_a_row(this, 'hook') }}\") }}select 'model' as label\n",
  'models/logs/in_logs.sql': 'select 1 as n\n',
  'models/target/in_target.sql': 'select 1 as n\n',
  'models/dbt_packages/in_packages.sql': 'select 1 as n\n',
  '../shared models/shared.sql': 'select 1 as n\n',
  'models/ephemeral.sql': "{{ config(materialized='ephemeral') }}select {{ plus_one(1) }} as n\n",
  'models/of_ephemeral.sql': "select n from {{ ref('ephemeral') }}\n",
  'models/of_description.sql': "select '{{ model.description }}' as label\n",
  'models/more.yml': `
models:
  - name: of_description
    description: first
  - name: total
    columns:
      - name: total
        data_tests: [{at_most: {arguments: {top: "{{ var('limit_of_test') }}"}}}]
`,
  'seeds/big.csv': bigSeed('before'),
  'seeds/small.csv': 'id,label\n1,before\n',
  'models/of_big.sql': "select max(label) filter (where id = 60000) as label from {{ ref('big') }}\n",
  'tests/generic/at_most.sql':
    '{% test at_most(model, column_name, top) %}select * from {{ model }} where {{ column_name }} > {{ top }}{% endtest %}\n',
  'macros/plus_one.sql': '{% macro plus_one(n) %}{{ n + 1 }}{% endmacro %}\n',
  'macros/apply.sql': '{% macro apply(f, n) %}{{ f(n) }}{% endmacro %}\n',
  'macros/hooks.sql':
    "{% macro add_a_row(relation, label) %}insert into {{ relation }} values ('{{ label }}'){% endmacro %}\n",
  'packages.yml': 'packages: [{local: ../dbt_local}]\n',
  'dbt_packages/dbt_local/dbt_project.yml': 'name: dbt_local\nversion: 1.0.0\nconfig-version: 2\nvars: {factor: 3}\n',
  'dbt_packages/dbt_local/macros/tripled.sql': '{% macro tripled(n) %}{{ n * 3 }}{% endmacro %}\n',
  'dbt_packages/dbt_local/models/packaged.sql': "select {{ var('factor') }} as number\n",
};

let folder: string;
let project: TinyProject;
let engine: EngineClient;
const env: Record<string, string | undefined> = { PATH: process.env.PATH };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-inputs-'));
  project = await tinyProject(folder);
  for (const [path, text] of Object.entries(files)) await project.write(path, text);
  engine = new EngineClient(project.paths, quietEffects({ env }));
  const first = await build();
  expect(first).toMatchObject({ problems: [], failing: [], status: 'pass' });
});

afterAll(async () => {
  await engine?.close();
  await rm(folder, { recursive: true, force: true });
});

const build = (): Promise<AffectedAnswer> => engine.affected({ target: 'dev' });

const rows = (sql: string) => workRows(project.paths, sql);

const ran = (answer: AffectedAnswer): string[] => answer.nodes.map(({ name }) => name).sort();

/** Builds with changed text in a file, and then with the original text. */
async function withFile(path: string, text: string, look: (answer: AffectedAnswer) => unknown): Promise<void> {
  await project.write(path, text);
  try {
    await look(await build());
  } finally {
    const before = files[path];
    if (before === undefined) await project.remove(path);
    else await project.write(path, before);
  }
  expect(await build()).toMatchObject({ problems: [], failing: [], status: 'pass' });
}

async function withVariable(name: string, value: string, look: (answer: AffectedAnswer) => unknown): Promise<void> {
  env[name] = value;
  try {
    await look(await build());
  } finally {
    delete env[name];
  }
  expect(await build()).toMatchObject({ problems: [], failing: [], status: 'pass' });
}

const replaced = (path: string, from: string, to: string): string => {
  const text = files[path] ?? '';
  expect(text).toContain(from);
  return text.replace(from, to);
};

describeInTurn('nothing is built', () => {
  it('if nothing changed, although models that query the database are compiled and compared', async () => {
    expect(ran(await build())).toEqual([]);
  });

  it('if an environment variable changed that no model reads', () =>
    withVariable('UNREAD', 'x', (answer) => expect(ran(answer)).toEqual([])));

  it('if only comments or whitespace of a model changed', () =>
    withFile(
      'models/numbers.sql',
      `-- why\nselect id,\n  id * 10 as amount\n from {{ source('raw', 'groups') }}\n`,
      (answer) => expect(answer.nodes).toMatchObject([]),
    ));
});

describeInTurn('an environment variable', () => {
  it('rebuilds the models that read it, even through an alias of env_var', () =>
    withVariable('HB_LABEL', 'new', async (answer) => {
      expect(ran(answer)).toEqual(['of_environment', 'of_renamed_function']);
      expect(await rows('select label from main.of_environment')).toEqual([['new']]);
      expect(await rows('select label from main.of_renamed_function')).toEqual([['new']]);
    }));

  it('rebuilds a model that computes its name', () =>
    withVariable('HB_MADE_dev', 'new', async (answer) => {
      expect(ran(answer)).toEqual(['of_made_up_name']);
      expect(await rows('select label from main.of_made_up_name')).toEqual([['new']]);
    }));

  it('rebuilds a model that reads it through a project variable', () =>
    withVariable('IN_VAR', 'b', async (answer) => {
      expect(ran(answer)).toContain('of_templated_var');
      expect(await rows('select label from main.of_templated_var')).toEqual([['b']]);
    }));

  it.each(['DBT_EMPTY', 'DBT_ENGINE_EMPTY', 'DBT_SAMPLE', 'DBT_INDIRECT_SELECTION', 'DBT_EXCLUDE_RESOURCE_TYPES'])(
    '%s is rejected by name',
    async (name) => {
      env[name] = name === 'DBT_EXCLUDE_RESOURCE_TYPES' ? 'test' : '1';
      try {
        const answer = await build();
        expect(answer).toMatchObject({ status: 'invalid', nodes: [] });
        expect(answer.problems[0]?.message).toContain(`${name} is set in the environment`);
        expect(answer.problems[0]?.kind).toBe('environment');
      } finally {
        delete env[name];
      }
    },
  );

  it("rebuilds nothing if it is one of dbt's own that does not affect the database", () =>
    withVariable('DBT_LOG_LEVEL', 'debug', (answer) => expect(answer).toMatchObject({ status: 'pass', nodes: [] })));
});

describeInTurn('a project variable', () => {
  const withVars = (vars: string, look: (answer: AffectedAnswer) => unknown) =>
    withFile('dbt_project.yml', dbtProject(`vars: ${vars}`), look);

  it('rebuilds a model that reads it through an alias of var', () =>
    withVars('{renamed: two, asked: yes, limit_of_test: 1000, templated: a}', async (answer) => {
      expect(ran(answer)).toContain('of_renamed_var');
      expect(await rows('select label from main.of_renamed_var')).toEqual([['two']]);
    }));

  it('rebuilds a model that checks whether it is set', () =>
    withVars('{renamed: one, limit_of_test: 1000, templated: a}', async () =>
      expect(await rows('select asked from main.of_has_var')).toEqual([[0]]),
    ));

  it("that a package sets rebuilds the package's model", () =>
    withFile(
      'dbt_packages/dbt_local/dbt_project.yml',
      replaced('dbt_packages/dbt_local/dbt_project.yml', 'factor: 3', 'factor: 4'),
      async () => expect(await rows('select number from main.packaged')).toEqual([[4]]),
    ));

  it('in the arguments of a data test runs the test again', () =>
    withVars('{renamed: one, asked: yes, limit_of_test: 1, templated: a}', (answer) => {
      expect(answer.status).toBe('fail');
      expect(ran(answer)).toContain('at_most_total_total___var_limit_of_test_');
    }));
});

describeInTurn('a macro', () => {
  it('that is passed to another macro as a value rebuilds the model', () =>
    withFile('macros/plus_one.sql', '{% macro plus_one(n) %}{{ n + 2 }}{% endmacro %}\n', async (answer) => {
      expect(ran(answer)).toEqual(['of_argument', 'of_context', 'of_ephemeral']);
      expect(await rows('select number from main.of_argument')).toEqual([[3]]);
      expect(await rows('select number from main.of_context')).toEqual([[12]]);
      expect(await rows('select n from main.of_ephemeral')).toEqual([[3]]);
    }));

  it('in a local package whose name starts with dbt_ rebuilds the model', () =>
    withFile(
      'dbt_packages/dbt_local/macros/tripled.sql',
      '{% macro tripled(n) %}{{ n * 30 }}{% endmacro %}\n',
      async () => expect(await rows('select number from main.of_package')).toEqual([[60]]),
    ));

  it('that a hook calls rebuilds the model with the hook', () =>
    withFile('macros/hooks.sql', replaced('macros/hooks.sql', "'{{ label }}'", "'other {{ label }}'"), async () =>
      expect(await rows('select label from main.of_hook order by 1')).toEqual([['model'], ['other hook']]),
    ));

  it('with a duplicate name makes the project invalid', () =>
    withFile(
      'macros/shadow.sql',
      '{% macro dispatched(n) %}1{% endmacro %}\n{% macro apply(f, n) %}7{% endmacro %}\n',
      (answer) => expect(answer.status).toBe('invalid'),
    ));
});

describeInTurn('a file', () => {
  it('of a seed larger than 1 MiB with one changed value rebuilds the models that read it', () =>
    withFile('seeds/big.csv', bigSeed('after!'), async (answer) => {
      expect(ran(answer)).toEqual(['big', 'of_big']);
      expect(await rows('select label from main.of_big')).toEqual([['after!']]);
    }));

  it('with changed whitespace in a block that is used as a value rebuilds the model', () =>
    withFile('models/of_block.sql', replaced('models/of_block.sql', 'a  b -- c', 'a b -- d'), async () =>
      expect(await rows('select label from main.of_block')).toEqual([['a b -- d']]),
    ));

  it('with changed text after an escaped quote rebuilds the model', () =>
    withFile('models/of_escape.sql', replaced('models/of_escape.sql', '-- x', '-- y'), async () =>
      expect(await rows('select label from main.of_escape')).toEqual([["it's -- y"]]),
    ));

  it.each([
    ['models/logs/in_logs.sql', 'in_logs'],
    ['models/target/in_target.sql', 'in_target'],
    ['models/dbt_packages/in_packages.sql', 'in_packages'],
    ['../shared models/shared.sql', 'shared'],
  ])('at %s rebuilds its model like any other', (path, name) =>
    withFile(path, 'select 2 as n\n', async (answer) => {
      expect(ran(answer)).toEqual([name]);
      expect(await rows(`select n from main.${name}`)).toEqual([[2]]);
    }),
  );

  it('with a changed description rebuilds only a model that reads its own description', () =>
    withFile('models/more.yml', replaced('models/more.yml', 'first', 'second'), async (answer) => {
      expect(ran(answer)).toEqual(['of_description']);
      expect(await rows('select label from main.of_description')).toEqual([['second']]);
    }));

  it('in a symbolic link to a folder of models rebuilds its model', async () => {
    const elsewhere = join(dirname(project.paths.dbtProject), 'elsewhere');
    await mkdir(elsewhere);
    await writeFile(join(elsewhere, 'linked.sql'), 'select 1 as n\n');
    await rm(join(project.paths.dbtProject, '../shared models'), { recursive: true });
    await symlink(elsewhere, join(project.paths.dbtProject, '../shared models'));
    expect(ran(await build())).toEqual(['linked']);
    await writeFile(join(elsewhere, 'linked.sql'), 'select 3 as n\n');
    expect(ran(await build())).toEqual(['linked']);
    expect(await rows('select n from main.linked')).toEqual([[3]]);
    await rm(join(project.paths.dbtProject, '../shared models'));
    await project.write('../shared models/shared.sql', files['../shared models/shared.sql'] ?? '');
    expect(await build()).toMatchObject({ status: 'pass', removed: ['main.linked'] });
  });
});

describeInTurn('a comparison with a base commit or a deployment', () => {
  it('notices a changed value in a large seed, and a changed macro that is passed as a value', async () => {
    const fingerprints = async () => {
      const { nodes } = await engine.changes({});
      return new Map(nodes.map(({ name, fingerprint }) => [name, fingerprint]));
    };
    const before = await fingerprints();
    await project.write('seeds/big.csv', bigSeed('after!'));
    await project.write('macros/plus_one.sql', '{% macro plus_one(n) %}{{ n + 2 }}{% endmacro %}\n');
    const after = await fingerprints();
    for (const path of ['seeds/big.csv', 'macros/plus_one.sql']) await project.write(path, files[path] ?? '');
    const changed = [...after].filter(([name, fingerprint]) => before.get(name) !== fingerprint);
    const names = changed.map(([name]) => name);
    expect(names).toEqual(expect.arrayContaining(['big', 'ephemeral', 'of_argument']));
    expect(names).not.toContain('of_block');
    // A model that computes the names of its macros can't be compared, so it always counts as changed.
    expect(after.get('of_context')).toBeNull();
  });
});

describeInTurn('a failing data test', () => {
  it('is reported again by every build, with its rows', () =>
    withFile(
      'models/models.yml',
      'models: [{name: doubled, columns: [{name: amount, data_tests: [{accepted_values: {arguments: {values: [1]}}}]}]}]\n',
      async (answer) => {
        expect(answer.status).toBe('fail');
        const again = await build();
        expect(again.status).toBe('fail');
        expect(again.nodes).toMatchObject([
          { status: 'fail', resourceType: 'test', file: 'models/models.yml', line: 1, failures: 5, sample: {} },
        ]);
      },
    ));
});
