import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Paths, projectRoot, resolvePaths } from '../../src/config/paths.ts';
import { EngineClient } from '../../src/engine/client.ts';
import { openWork } from '../../src/warehouse/duckdb.ts';
import { quietEffects } from '../support/effects.ts';
import { hasItsTurn } from '../support/sampled.ts';

/** Long runs: MEETUP_INPUTS_STEPS=2000 MEETUP_INPUTS_SEED=7 npx vitest run cli/test/engine/inputs-random.e2e.test.ts */
const STEPS = Number(process.env.MEETUP_INPUTS_STEPS ?? 100);
const SEED = Number(process.env.MEETUP_INPUTS_SEED ?? 1);
/** After this many steps, the expectation itself is checked against a build from scratch. */
const FROM_SCRATCH_EVERY = 50;

vi.setConfig({ testTimeout: 60_000 + STEPS * 30_000, hookTimeout: 120_000 });

const toolchain = process.env.MEETUP_TOOLCHAIN_DIR ?? join(projectRoot, '.meetup', 'toolchain');

/** Everything that determines the project's content. */
interface State {
  env: Record<string, string>;
  vars: { v: string; limit: number; asked: boolean };
  /** Numbers written into files, by the kind of file. */
  n: Record<
    | 'macro'
    | 'hook'
    | 'package'
    | 'factor'
    | 'logs'
    | 'target'
    | 'shared'
    | 'view'
    | 'ephemeral'
    | 'incremental'
    | 'query',
    number
  >;
  text: { block: string; doc: string; big: string; small: string };
  rows: number;
  comments: number;
  extra: Set<string>;
  shadowed: boolean;
}

const start = (): State => ({
  env: {},
  vars: { v: 'v0', limit: 1000, asked: true },
  n: {
    macro: 1, hook: 1, package: 3, factor: 3, logs: 1, target: 1, shared: 1, view: 1, ephemeral: 1, incremental: 1, query: 1,
  },
  text: { block: 'a  b', doc: 'doc', big: 'big', small: 'small' },
  rows: 3,
  comments: 0,
  extra: new Set(),
  shadowed: false,
}); // biome-ignore format: one line is easier to read

/** The project's files in a state, by their paths relative to its folder. */
function filesOf({ vars, n, text, rows, comments, extra, shadowed }: State): Record<string, string> {
  const count = (length: number, line: (i: number) => string): string =>
    Array.from({ length }, (_, i) => line(i)).join('\n');
  return {
    'profiles/profiles.yml': `all:
  target: dev
  outputs: {dev: {type: duckdb, path: "{{ env_var('MEETUP_DUCKDB_PATH') }}", schema: main, threads: 2}}
`,
    'dbt/dbt_project.yml': `name: all
version: 1.0.0
profile: all
model-paths: [models, "../shared models"]
flags: {send_anonymous_usage_stats: false}
models: {+materialized: table}
vars: {v: ${vars.v}, limit_of_test: ${vars.limit}, templated: "{{ env_var('C', 'c') }}"${vars.asked ? ', asked: yes' : ''}}
`,
    'dbt/packages.yml': 'packages: [{local: ../dbt_local}]\n',
    'dbt/dbt_packages/dbt_local/dbt_project.yml': `name: dbt_local\nversion: 1.0.0\nvars: {factor: ${n.factor}}\n`,
    'dbt/dbt_packages/dbt_local/macros/times.sql': `{% macro times(x) %}{{ x * ${n.package} }}{% endmacro %}\n`,
    'dbt/dbt_packages/dbt_local/models/packaged.sql': "select {{ var('factor') }} as x\n",
    'dbt/macros/plus.sql': `{# ${comments} #}{% macro plus(x) %}{{ x + ${n.macro} }}{% endmacro %}\n`,
    'dbt/macros/apply.sql': '{% macro apply(f, x) %}{{ f(x) }}{% endmacro %}\n',
    'dbt/macros/chosen.sql':
      "{% macro chosen() %}{{ return(adapter.dispatch('chosen')()) }}{% endmacro %}{% macro default__chosen() %}1{% endmacro %}\n",
    ...(shadowed ? { 'dbt/macros/more chosen.sql': '{% macro duckdb__chosen() %}2{% endmacro %}\n' } : {}),
    'dbt/macros/hooks.sql': `{% macro add_row(relation) %}insert into {{ relation }} values (${n.hook * 100}){% endmacro %}\n`,
    'dbt/models/of_env.sql': "{% set e = env_var %}select '{{ e('A', 'none') }}' as x\n",
    'dbt/models/of_env_made.sql': "select '{{ env_var('B_' ~ target.name, 'none') }}' as x\n",
    'dbt/models/of_var.sql': "{% set v = var %}select '{{ v('v') }}' as x\n",
    'dbt/models/of_asked.sql': "select {{ 1 if var.has_var('asked') else 0 }} as x\n",
    'dbt/models/of_templated.sql': "select '{{ var('templated') }}' as x\n",
    'dbt/models/of_value.sql': 'select {{ apply(plus, 1) }} as x\n',
    'dbt/models/of_context.sql': "select {{ context['pl' ~ 'us'](1) }} as x\n",
    'dbt/models/of_package.sql': `-- ${comments}\nselect {{ dbt_local.times(2) }} as x\n`,
    'dbt/models/of_chosen.sql': 'select {{ chosen() }} as x\n',
    'dbt/models/of_block.sql': `{% set t %}${text.block}{% endset %}select '{{ t }}' as x\n`,
    'dbt/models/of_hook.sql': "{{ config(post_hook='{{ add_row(this) }}') }}select 1 as x\n",
    'dbt/models/of_doc.sql': "select '{{ model.description }}' as x\n",
    'dbt/models/of_query.sql': `{% set q = run_query('select max(id) from ' ~ ref('small')) %}select {{ q.columns[0].values()[0] * ${n.query} if execute else 0 }} as x -- {{ ref('small') }}\n`,
    'dbt/models/logs/in_logs.sql': `select ${n.logs} as x\n`,
    "dbt/models/target/it's [odd] %20/in_target.sql": `select ${n.target} as x\n`,
    'linked folder/shared.sql': `select ${n.shared} as x\n`,
    'dbt/models/chain/a_view.sql': `{{ config(materialized='view') }}select id * ${n.view} as id, label from {{ ref('small') }} -- ${comments}\n`,
    'dbt/models/chain/an_ephemeral.sql': `{{ config(materialized='ephemeral') }}select id + ${n.ephemeral} as id from {{ ref('a_view') }}\n`,
    'dbt/models/chain/an_end.sql': "select sum(id) as x from {{ ref('an_ephemeral') }}\n",
    'dbt/models/chain/an_incremental.sql': `{{ config(materialized='incremental') }}
select id, id * ${n.incremental} as x from {{ ref('small') }}
{% if is_incremental() %}where id > (select max(id) from {{ this }}){% endif %}\n`,
    'dbt/models/of_big.sql': "select max(label) as x from {{ ref('big') }} where id = 45000\n",
    'dbt/models/all.yml': `models:
  - {name: of_doc, description: "{{ doc('the_text') }}"}
  - name: an_end
    columns: [{name: x, data_tests: [{at_most: {name: end_at_most, arguments: {top: "{{ var('limit_of_test') }}"}}}]}]
unit_tests:
  - {name: adds_one, model: of_value, given: [], expect: {rows: [{x: 2}]}}
`,
    'dbt/models/texts.md': `{% docs the_text %}${text.doc}{% enddocs %}\n`,
    'dbt/tests/generic/at_most.sql':
      '{% test at_most(model, column_name, top) %}select * from {{ model }} where {{ column_name }} > {{ top }}{% endtest %}\n',
    'dbt/tests/value_is_small.sql':
      "select * from {{ ref('of_context') }} where x > {{ plus(2) }} - 1 + 1000 * {{ var('limit_of_test') }}\n",
    'dbt/seeds/big.csv': `id,label\n${count(45_000, (i) => `${i},a label that takes up some space ${i}`)}\n45000,${text.big}\n`,
    'dbt/seeds/small.csv': `id,label\n${count(rows, (i) => `${i + 1},${text.small}`)}\n`,
    'dbt/snapshots/kept.yml':
      "snapshots: [{name: kept, relation: ref('small'), config: {unique_key: id, strategy: check, check_cols: all}}]\n",
    ...Object.fromEntries([...extra].map((name) => [`dbt/models/extra/${name}.sql`, `select '${name}' as x\n`])),
  };
}

/** The content of every relation in a state, and the failing tests. A model whose unit test fails is left out. */
function expectedOf({ env, vars, n, text, rows, extra, shadowed }: State) {
  const ids = Array.from({ length: rows }, (_, i) => i + 1);
  const end = ids.reduce((sum, id) => sum + id * n.view + n.ephemeral, 0);
  const failing = [...(end > vars.limit ? ['end_at_most'] : []), ...(n.macro === 1 ? [] : ['adds_one'])].sort();
  const one: Record<string, unknown> = {
    of_env: env.A ?? 'none',
    of_env_made: env.B_dev ?? 'none',
    of_var: vars.v,
    of_asked: vars.asked ? 1 : 0,
    of_templated: env.C ?? 'c',
    ...(n.macro === 1 ? { of_value: 2 } : {}),
    of_context: 1 + n.macro,
    of_package: 2 * n.package,
    packaged: n.factor,
    of_chosen: shadowed ? 2 : 1,
    of_block: text.block,
    of_doc: text.doc,
    of_query: rows * n.query,
    in_logs: n.logs,
    in_target: n.target,
    shared: n.shared,
    an_end: end,
    of_big: text.big,
    ...Object.fromEntries([...extra].map((name) => [name, name])),
  };
  const content = Object.fromEntries(Object.entries(one).map(([name, x]) => [name, [[String(x)]]]));
  content.of_hook = [['1'], [String(n.hook * 100)]];
  content.an_incremental = ids.map((id) => [String(id * n.incremental)]);
  content.a_view = ids.map((id) => [String(id * n.view)]);
  content.kept = ids.map(() => [text.small]);
  return { content, failing };
}

const columns: Record<string, string> = { a_view: 'id', kept: 'label' };

async function contentOf(paths: Paths, names: readonly string[]) {
  const work = await openWork(paths);
  try {
    const found: Record<string, unknown> = {};
    for (const name of names) {
      const current = name === 'kept' ? 'where dbt_valid_to is null' : '';
      const column = columns[name] ?? 'x';
      const { rows } = await work.query(
        `select ${column}::varchar from main.${name} ${current} order by try_cast(${column} as bigint), 1`,
      );
      found[name] = rows;
    }
    return found;
  } finally {
    await work.close();
  }
}

function chanceOf(seed: number): <T>(of: readonly T[]) => T {
  let state = seed;
  return (of) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const chosen = of[Math.floor((state / 2 ** 32) * of.length)];
    if (chosen === undefined) throw new Error('nothing to choose from');
    return chosen;
  };
}

type Choose = ReturnType<typeof chanceOf>;

/** Kinds of steps. */
const steps: Record<string, (state: State, choose: Choose) => void> = {
  number: (state, choose) => {
    const kinds = [
      'macro',
      'hook',
      'package',
      'logs',
      'target',
      'shared',
      'view',
      'ephemeral',
      'incremental',
      'query',
    ] as const;
    state.n[choose(kinds)] = choose([1, 1, 2, 3, 4]);
  },
  text: (state, choose) => {
    state.text[choose(['block', 'doc', 'big', 'small'] as const)] = choose(['a  b', 'a b', 'a -- b', 'c', 'd']);
  },
  row: (state, choose) => {
    if (state.rows < 40) state.rows += choose([1, 2]);
  },
  comment: (state) => {
    state.comments += 1;
  },
  extra: (state, choose) => {
    const name = choose(['extra_one', 'extra_two', 'extra_three']);
    if (!state.extra.delete(name)) state.extra.add(name);
  },
  shadow: (state) => {
    state.shadowed = !state.shadowed;
  },
  nothing: () => undefined,
  unread: (state, choose) => {
    state.env.UNREAD = choose(['a', 'b', 'c']);
  },
};
/** Kinds of steps after which dbt parses everything again. They are chosen less often. */
const slowSteps: Record<string, (state: State, choose: Choose) => void> = {
  environment: (state, choose) => {
    const name = choose(['A', 'B_dev', 'C']);
    if (choose([true, false])) state.env[name] = choose(['x', 'y']);
    else delete state.env[name];
  },
  variable: (state, choose) => {
    const kind = choose(['v', 'limit', 'asked'] as const);
    if (kind === 'v') state.vars.v = choose(['v0', 'v1', 'v2']);
    else if (kind === 'limit') state.vars.limit = choose([1, 1000, 100_000]);
    else state.vars.asked = !state.vars.asked;
  },
  factor: (state, choose) => {
    state.n.factor = choose([3, 4, 5]);
  },
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-random-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const placed = async (state: string): Promise<Paths> => {
  const paths = resolvePaths(
    { stateDir: join(folder, state) },
    { MEETUP_PROJECT_DIR: folder, MEETUP_TOOLCHAIN_DIR: toolchain },
    folder,
  );
  await mkdir(dirname(paths.workDatabase), { recursive: true });
  return paths;
};

describe.skipIf(!hasItsTurn('random inputs'))(
  'after any sequence of changes to files, variables and the environment',
  () => {
    it(`the database equals a build from scratch, and every failing test is reported (seed ${SEED})`, async () => {
      const paths = await placed('state');
      const choose = chanceOf(SEED);
      const state = start();
      const written = new Map<string, string>();
      const env: Record<string, string | undefined> = {};
      const apply = async (): Promise<void> => {
        const files = filesOf(state);
        for (const [path, text] of Object.entries(files)) {
          if (written.get(path) === text) continue;
          await mkdir(dirname(join(folder, path)), { recursive: true });
          await writeFile(join(folder, path), text);
          written.set(path, text);
        }
        for (const path of [...written.keys()].filter((path) => files[path] === undefined)) {
          await rm(join(folder, path));
          written.delete(path);
        }
        for (const name of Object.keys(env)) delete env[name];
        Object.assign(env, { PATH: process.env.PATH, ...state.env });
      };
      await apply();
      await symlink(join(folder, 'linked folder'), join(folder, 'shared models'));
      const engine = new EngineClient(paths, quietEffects({ env }));
      const played: string[] = [];
      try {
        for (let step = 0; step <= STEPS; step += 1) {
          if (step > 0) {
            const kind = choose([...Object.keys(steps), ...Object.keys(steps), choose(Object.keys(slowSteps))]);
            (steps[kind] ?? slowSteps[kind])?.(state, choose);
            played.push(kind);
            await apply();
          }
          const answer = await engine.affected({ target: 'dev' });
          const { content, failing } = expectedOf(state);
          const last = played.slice(-5);
          const outcome = { failing: answer.failing.map(({ name }) => name).sort(), status: answer.status };
          const rerun = answer.nodes.filter(({ status }) => status === 'fail').map(({ name }) => name);
          expect({ step, last, problems: answer.problems, ...outcome, rerun: rerun.sort() }).toEqual({
            step,
            last,
            problems: [],
            failing,
            status: failing.length === 0 ? 'pass' : 'fail',
            rerun: failing,
          });
          const names = Object.keys(content);
          expect({ step, last, ...(await contentOf(paths, names)) }).toEqual({ step, last, ...content });
          if (step === STEPS || (step > 0 && step % FROM_SCRATCH_EVERY === 0)) {
            await rm(join(folder, 'scratch'), { recursive: true, force: true });
            const scratch = await placed('scratch');
            const fresh = new EngineClient(scratch, quietEffects({ env }));
            await fresh.affected({ target: 'dev' }).finally(() => fresh.close());
            expect({ step, ...(await contentOf(scratch, names)) }).toEqual({ step, ...content });
          }
        }
      } finally {
        await engine.close();
      }
    });
  },
);
