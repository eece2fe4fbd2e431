import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Effects } from '../../src/config/effects.ts';
import { type Paths, projectRoot, resolvePaths } from '../../src/config/paths.ts';
import { EngineClient, type EngineOptions } from '../../src/engine/client.ts';
import { openWork } from '../../src/warehouse/duckdb.ts';

/** This repository's own toolchain, which all test projects use. */
const toolchain = process.env.MEETUP_TOOLCHAIN_DIR ?? join(projectRoot, '.meetup', 'toolchain');

/** A dbt project of three models in its own folder, with the raw tables that it reads. */
export interface TinyProject {
  readonly paths: Paths;
  /** Writes a file of the dbt project. The path is relative to the project's folder. */
  write(path: string, text: string): Promise<string>;
  remove(path: string): Promise<void>;
}

export const numbersSql = "select id, id * 10 as amount from {{ source('raw', 'groups') }}\n";

const files: Record<string, string> = {
  'dbt_project.yml': `
name: tiny
version: 1.0.0
profile: tiny
model-paths: [models, ../fixtures/models]
target-path: "{{ env_var('MEETUP_DBT_TARGET') }}"
flags: {send_anonymous_usage_stats: false}
models: {tiny: {+materialized: table}}
`,
  '../profiles/profiles.yml': `
tiny:
  target: dev
  outputs:
    dev: {type: duckdb, path: "{{ env_var('MEETUP_DUCKDB_PATH') }}", schema: main, threads: 2}
    test: {type: duckdb, path: ':memory:', schema: main, threads: 1}
`,
  'models/sources.yml': 'sources: [{name: raw, tables: [{name: groups}]}]\n',
  'models/numbers.sql': numbersSql,
  'models/doubled.sql': "select id, amount * 2 as amount from {{ ref('numbers') }}\n",
  'models/total.sql': "select sum(amount) as total from {{ ref('doubled') }}\n",
  'models/models.yml': `
models:
  - name: numbers
    columns: [{name: id, data_tests: [unique, not_null]}]
  - name: doubled
    columns: [{name: amount, data_tests: [not_null]}]
`,
  '../fixtures/models/doubled.yml': `
unit_tests:
  - name: doubles
    model: doubled
    given: [{input: ref('numbers'), rows: [{id: 1, amount: 4}]}]
    expect: {rows: [{id: 1, amount: 8}]}
`,
};

const RAW_TABLES = ['groups', 'users', 'events', 'venues', 'rejected_records', 'batches', 'loaded_files'];

/** Creates the project in `folder`. `state` is the path of the state folder, if it should be an unusual one. */
export async function tinyProject(
  folder: string,
  options: { state?: string; raw?: boolean } = {},
): Promise<TinyProject> {
  const env = { MEETUP_PROJECT_DIR: folder, MEETUP_TOOLCHAIN_DIR: toolchain };
  const paths = resolvePaths({ stateDir: options.state ?? join(folder, 'state') }, env, folder);
  const write = async (path: string, text: string): Promise<string> => {
    const file = join(paths.dbtProject, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
    return file;
  };
  for (const [path, text] of Object.entries(files)) await write(path, text);
  if (options.raw !== false) await writeRaw(paths);
  return { paths, write, remove: (path) => rm(join(paths.dbtProject, path)) };
}

async function writeRaw(paths: Paths): Promise<void> {
  const warehouse = await openWork(paths);
  await warehouse.run('create schema raw');
  for (const table of RAW_TABLES) {
    await warehouse.run(`create table raw.${table} as select range::bigint as id from range(5)`);
  }
  await warehouse.close();
}

/** An engine for the project, with the environment it needs to start. */
export function engineOn(project: TinyProject, effects: Effects, options: EngineOptions = {}): EngineClient {
  return new EngineClient(project.paths, { ...effects, env: { PATH: process.env.PATH, ...effects.env } }, options);
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
