import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { projectRoot } from '../../src/config/paths.ts';
import { meetup } from './meetup.ts';

/** Minimal versions of the relations that the summary of `dev` reads. */
const summarized: Record<string, string> = {
  'marts/dim_groups':
    "select distinct _record_index as group_id, false as is_unknown from {{ source('raw', 'groups') }}",
  'marts/dim_members':
    "select distinct _record_index as member_id, false as is_unknown from {{ source('raw', 'users') }}",
  'marts/fct_events': `{{ config(materialized='incremental') }}
select _batch_seq, _source_file, _record_index from {{ source('raw', 'events') }}
{% if is_incremental() %} where _batch_seq > (select max(_batch_seq) from {{ this }}) {% endif %}`,
  'marts/fct_rsvps': "select _batch_seq, count(*) as rsvps from {{ ref('fct_events') }} group by all",
  'marts/group_scorecard': `select 1 as sponsor_rank, 'g' as group_name, 'c' as city, 1 as active_members, 1 as sponsor_score, min(group_id) as group_id
from {{ ref('dim_groups') }}`,
  'marts/topic_months': `select 't' as topic_name, 1 as groups, count(*) as events_held, 1 as yes_seats, 1.0 as momentum, true as is_rising,
    date '2026-01-01' as month_start_on
from {{ ref('fct_events') }}`,
  'intermediate/int_as_of': "select max(_dropped_on) as as_of from {{ source('raw', 'events') }}",
};

/** The length of a chain of tables, in which each adds a number to the one before. */
export const CHAIN = 5;
export const chainModel = (i: number): string => `dbt/models/marts/chain/step_${i}.sql`;
export const chainSql = (i: number, n: number): string =>
  i === 1
    ? `select group_id, ${n} as n from {{ ref('dim_groups') }}\n`
    : `select group_id, n + ${n} as n from {{ ref('step_${i - 1}') }}\n`;

const files: Record<string, string> = {
  '.gitignore': 'data/\ndbt/target/\ndbt/logs/\n',
  'profiles/profiles.yml': `
small:
  target: dev
  outputs:
    dev: {type: duckdb, path: "{{ env_var('MEETUP_DUCKDB_PATH') }}", schema: main, threads: 2}
    test: {type: duckdb, path: ':memory:', schema: main, threads: 1}
`,
  'dbt/dbt_project.yml': `
name: small
version: 1.0.0
profile: small
model-paths: [models, ../extra]
clean-targets: [target, logs]
flags: {send_anonymous_usage_stats: false}
models:
  small:
    +materialized: table
    intermediate: {+schema: intermediate}
    marts: {+schema: marts}
`,
  'dbt/macros/generate_schema_name.sql':
    '{% macro generate_schema_name(custom_schema_name, node) %}{{ (custom_schema_name or target.schema) | trim }}{% endmacro %}\n',
  'dbt/seeds/offices.csv': 'city,desks\nAmsterdam,40\n',
  'dbt/models/raw.yml': 'sources: [{name: raw, tables: [{name: groups}, {name: users}, {name: events}]}]\n',
  'dbt/models/marts/chain/chain.yml': `
models:
  - name: step_1
    columns: [{name: group_id, data_tests: [unique, not_null]}]
  - name: step_${CHAIN}
    columns: [{name: n, data_tests: [not_null]}]
unit_tests:
  - name: second_step_keeps_groups
    model: step_2
    given: [{input: ref('step_1'), rows: [{group_id: 1}, {group_id: 2}]}]
    expect: {rows: [{group_id: 1}, {group_id: 2}]}
`,
  'extra/outside.sql': "{{ config(schema='marts') }} select count(*) as n from {{ ref('dim_groups') }}\n",
};

/**
 * Creates a dbt project of a dozen tiny models on real raw tables, with this project's JSON Schemas and a data dump. It builds in
 * a second. @returns the folders of the daily drops, which are not part of the project yet.
 */
export async function smallProject(project: string, sample: string, options: { days: number }): Promise<string[]> {
  await meetup(['generate', '--scale', '0.01', '--seed', '3', '--days', String(options.days), '--out', sample]);
  for (const [file, text] of Object.entries(files)) write(join(project, file), text);
  for (const [name, sql] of Object.entries(summarized)) write(join(project, 'dbt/models', `${name}.sql`), `${sql}\n`);
  for (let i = 1; i <= CHAIN; i += 1) write(join(project, chainModel(i)), chainSql(i, 0));
  cpSync(join(projectRoot, 'data/schemas'), join(project, 'data/schemas'), { recursive: true });
  const names = readdirSync(sample).sort();
  const drops = names.filter((name) => /^\d{4}-/.test(name));
  for (const name of names.filter((other) => !drops.includes(other)))
    cpSync(join(sample, name), join(project, 'data', name), { recursive: true });
  return drops.map((name) => join(sample, name));
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
