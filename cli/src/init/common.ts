import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PlannedFile } from './planned-file.ts';

/** A new file, unless something is there already. */
export function newFile(root: string, path: string, text: string): PlannedFile[] {
  return existsSync(join(root, path)) ? [] : [{ path, action: 'new', text }];
}

/** The project's .gitignore with these lines, if it lacks any of them. */
export function ignoring(root: string, lines: readonly string[]): PlannedFile[] {
  const file = join(root, '.gitignore');
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const known = new Set(before.split(/\r?\n/).map((line) => line.trim().replace(/^\//, '')));
  const missing = lines.filter((line) => !known.has(line) && !known.has(line.replace(/\/$/, '')));
  if (missing.length === 0) return [];
  const end = before === '' || before.endsWith('\n') ? '' : '\n';
  const action = existsSync(file) ? 'changed' : 'new';
  return [{ path: '.gitignore', action, text: `${before}${end}${missing.join('\n')}\n` }];
}

/** Profiles in which `dev` is the local database; the other two are what `rehearsal` and `deploy` use. */
export const profilesYml = (
  profile: string,
  schema: string,
): string => `# No secrets: what differs between machines comes from the environment.
${profile}:
  target: dev
  outputs:
    dev:
      type: duckdb
      path: "{{ env_var('MEETUP_DUCKDB_PATH', '.meetup/work/meetup.duckdb') }}"
      schema: ${schema}
      threads: 2
      settings:
        TimeZone: UTC

    rehearsal:
      type: databricks
      catalog: "{{ env_var('MEETUP_REHEARSAL_CATALOG', 'hive_metastore') }}"
      schema: ${schema}
      host: "{{ env_var('MEETUP_REHEARSAL_HOST') }}"
      http_path: "{{ env_var('MEETUP_REHEARSAL_HTTP_PATH', '/sql/1.0/warehouses/rehearsal') }}"
      token: "{{ env_var('MEETUP_REHEARSAL_TOKEN') }}"
      threads: 2
      session_properties:
        timezone: UTC

    prod:
      type: databricks
      catalog: "{{ env_var('DATABRICKS_CATALOG', 'main') }}"
      schema: ${schema}
      host: "{{ env_var('DATABRICKS_HOST') }}"
      http_path: "{{ env_var('DATABRICKS_HTTP_PATH') }}"
      auth_type: "{{ 'token' if env_var('DATABRICKS_TOKEN', '') else 'oauth' }}"
      token: "{{ env_var('DATABRICKS_TOKEN', '') }}"
      client_id: "{{ env_var('DATABRICKS_CLIENT_ID', '') }}"
      client_secret: "{{ env_var('DATABRICKS_CLIENT_SECRET', '') }}"
      threads: 8
      session_properties:
        timezone: UTC
`;

/** A check of every pull request, with the version of meetup in the project's package-lock.json. */
export const WORKFLOW = `name: Models

on:
  pull_request:

permissions:
  contents: read

jobs:
  check:
    runs-on: ubuntu-latest
    timeout-minutes: 30
    steps:
      - uses: actions/checkout@v4
        with:
          fetch-depth: 0
          persist-credentials: false
      - uses: actions/setup-node@v4
        with:
          node-version: '20'
      - uses: actions/setup-python@v5
        with:
          python-version: '3.11'
      - uses: actions/cache@v4
        with:
          path: .meetup/toolchain
          key: meetup-\${{ runner.os }}-\${{ hashFiles('package-lock.json') }}
      - run: npm ci
      - name: Check the models
        env:
          BASE: origin/\${{ github.base_ref }}
        run: npx --no meetup ci --base "$BASE"
`;

export const WORKFLOW_PATH = '.github/workflows/meetup.yml';
