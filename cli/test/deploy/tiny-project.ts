import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { run as generate } from '../../src/commands/generate.ts';
import { type Paths, projectRoot, resolvePaths } from '../../src/config/paths.ts';
import { quietEffects } from '../support/effects.ts';

/** A dbt project of four models on generated data, in its own git repository. */
export interface TinyProject {
  readonly paths: Paths;
  readonly env: Readonly<Record<string, string>>;
  write(path: string, text: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Adds the drop of the next day. There are two. */
  nextDay(): Promise<void>;
  /** Commits everything. @returns the commit. */
  commit(): Promise<string>;
}

const files: Record<string, string> = {
  '.gitignore': 'data/*\n!data/schemas\n',
  'fixtures/models/.gitkeep': '',
  'dbt/dbt_project.yml': `
name: meetup
version: 1.0.0
profile: meetup
model-paths: [models, ../fixtures/models]
flags: {send_anonymous_usage_stats: false}
on-run-start: '{{ meetup_run_begins() }}'
on-run-end: '{{ meetup_run_ends(results) }}'
models:
  meetup:
    staging: {+materialized: view, +schema: staging}
    marts:
      +materialized: table
      +schema: marts
      +access: public
      +contract: {enforced: true}
      # So that Delta's log holds no values.
      +tblproperties: {delta.dataSkippingNumIndexedCols: '0'}
      # group_names is built where it is read; the others are published as views once all tests have passed.
      event_log: &published
        +schema: "{{ 'marts' if target.type == 'duckdb' else 'marts_build' }}"
        +meta: {published_in: marts}
      group_events: *published
`,
  'dbt/models/sources.yml': 'sources: [{name: raw, tables: [{name: groups}, {name: events}]}]\n',
  'dbt/models/staging/stg_groups.sql':
    "select group_id, max(name) as group_name from {{ source('raw', 'groups') }} group by group_id\n",
  'dbt/models/marts/group_names.sql': "select group_id, group_name from {{ ref('stg_groups') }}\n",
  'dbt/models/marts/event_log.sql': `
{{ config(materialized='incremental', incremental_strategy='append', on_schema_change='fail') }}
select _batch_seq, _source_file, _record_index, group_id, name as event_name from {{ source('raw', 'events') }}
{% if is_incremental() %} where _batch_seq > (select coalesce(max(_batch_seq), 0) from {{ this }}) {% endif %}
`,
  'dbt/models/marts/group_events.sql':
    "select group_id, count(*) as event_count from {{ ref('event_log') }} group by group_id\n",
  'dbt/models/marts/marts.yml': `
models:
  - name: group_names
    columns:
      - {name: group_id, data_type: bigint, data_tests: [unique, not_null]}
      - {name: group_name, data_type: string}
  - name: event_log
    columns:
      - {name: _batch_seq, data_type: int}
      - {name: _source_file, data_type: string}
      - {name: _record_index, data_type: bigint}
      - {name: group_id, data_type: bigint, data_tests: [not_null]}
      - {name: event_name, data_type: string}
  - name: group_events
    columns:
      - {name: group_id, data_type: bigint, data_tests: [unique]}
      - {name: event_count, data_type: bigint}
`,
};

/** Creates the project in a folder. The drops of two days are added later. */
export async function tinyProject(folder: string): Promise<TinyProject> {
  const root = join(folder, 'project');
  const drops = join(folder, 'drops');
  const env = {
    MEETUP_TOOLCHAIN_DIR: process.env.MEETUP_TOOLCHAIN_DIR ?? join(projectRoot, '.meetup/toolchain'),
    MEETUP_PROJECT_DIR: root,
    MEETUP_STATE_DIR: join(folder, 'state'),
  };
  const paths = resolvePaths({}, env, folder);
  const write = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  };
  for (const [path, text] of Object.entries(files)) await write(path, text);
  const macro = 'dbt/macros/generate_schema_name.sql';
  await write(macro, await readFile(join(projectRoot, macro), 'utf8'));
  for (const part of ['profiles', 'data/schemas', 'dbt/macros/deployment'])
    await cp(join(projectRoot, part), join(root, part), { recursive: true });
  await generate({ out: drops, scale: 0.002, seed: 1, days: 2 }, quietEffects());
  const { first, days } = await splitDays(drops);
  for (const name of first) await cp(join(drops, name), join(root, 'data', name), { recursive: true });
  const git = (...args: string[]) =>
    execa('git', ['-c', 'user.name=test', '-c', 'user.email=test@example.org', ...args], { cwd: root });
  await git('init', '-q');
  return {
    paths,
    env,
    write,
    remove: (path) => rm(join(root, path)),
    nextDay: async () => {
      const day = days.shift();
      if (day === undefined) throw new Error('there are no more drops');
      await cp(join(drops, day), join(root, 'data', day), { recursive: true });
    },
    commit: async () => {
      await git('add', '-A');
      await git('commit', '-q', '--allow-empty', '-m', 'as it is');
      return (await git('rev-parse', 'HEAD')).stdout.trim();
    },
  };
}

/** The files of the generated dump, and the folders of the following days. */
async function splitDays(drops: string): Promise<{ first: string[]; days: string[] }> {
  const names = await readdir(drops);
  const days = names.filter((name) => /^\d{4}-\d{2}-\d{2}$/.test(name)).sort();
  return { first: names.filter((name) => name.endsWith('.json')), days };
}
