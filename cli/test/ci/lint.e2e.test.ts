import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type LintOutcome, lintModels } from '../../src/ci/lint.ts';
import { type TinyProject, tinyProject } from '../engine/project.ts';
import { quietEffects } from '../support/effects.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 240_000 });

let folder: string;
let project: TinyProject;
let outcome: LintOutcome;

const files: Readonly<Record<string, string>> = {
  '.sqlfluff':
    '[sqlfluff]\ndialect = duckdb\ntemplater = jinja\nrules = CP01\n\n[sqlfluff:rules:capitalisation.keywords]\ncapitalisation_policy = lower\n',
  '.sqlfluffignore': 'macros/\ndbt_packages/\n',
  'macros/new.sql': "{% macro doubled_again(column) %}{{ column }} * {{ var('factor') }}{% endmacro %}\n",
  'macros/dispatched.sql': `{% macro items(list) %}{{ return(adapter.dispatch('items', 'tiny')(list)) }}{% endmacro %}
{% macro default__items(list) %}lateral view explode({{ list }}){% endmacro %}
{% macro duckdb__items(list) %}cross join unnest({{ list }}) as items (item){% endmacro %}
`,
  'dbt_packages/helpers/dbt_project.yml': 'name: helpers\nversion: 1.0.0\n',
  'dbt_packages/helpers/macros/keys.sql':
    '{% macro surrogate_key(columns) %}md5({{ columns | join(" || \'-\' || ") }}){% endmacro %}\n',
  'models/calls_a_new_macro.sql': "select {{ doubled_again('amount') }} as amount from {{ ref('numbers') }}\n",
  'models/reads_the_environment.sql':
    "select '{{ env_var('HB_LABEL') }}' as label, '{{ env_var('HB_OTHER', 'x') }}' as other\n",
  'models/calls_a_package.sql':
    "select {{ helpers.surrogate_key(['id', 'amount']) }} as id from {{ ref('numbers') }}\n",
  'models/calls_dbt.sql':
    "select {{ dbt.dateadd('day', 1, 'made_at') }} as later, {{ dbt.safe_cast('id', 'int') }} as id from {{ ref('numbers') }}\n",
  'models/dispatches.sql': "select items.item from {{ ref('numbers') }} {{ items('list') }}\n",
  'models/has_a_violation.sql': "SELECT {{ doubled_again('amount') }} as amount from {{ ref('numbers') }}\n",
  'models/calls_an_unknown_macro.sql': 'select {{ no_such_macro() }} as amount\n',
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-lint-'));
  project = await tinyProject(folder, { raw: false });
  await project.write('dbt_project.yml', 'name: tiny\nprofile: tiny\nvars: {factor: 3}\n');
  for (const [path, text] of Object.entries(files)) await project.write(path, text);
  outcome = await lintModels(project.paths, quietEffects({ env: { PATH: process.env.PATH ?? '' } }));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('lint', () => {
  it.each(['calls_a_new_macro', 'reads_the_environment', 'calls_a_package', 'calls_dbt', 'dispatches'])(
    'renders Jinja the way dbt does, without any configuration: %s',
    (model) => {
      expect(outcome.violations.filter(({ file }) => file.endsWith(`${model}.sql`))).toEqual([]);
    },
  );

  it('reports style violations and unknown macros', () => {
    expect(outcome.violations.filter(({ code }) => code !== 'PRS')).toEqual([
      expect.objectContaining({ file: 'dbt/models/calls_an_unknown_macro.sql', code: 'TMP' }),
      expect.objectContaining({ file: 'dbt/models/has_a_violation.sql', line: 1, code: 'CP01' }),
    ]);
  });
});
