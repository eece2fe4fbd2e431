import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Paths, resolvePaths } from '../../src/config/paths.ts';
import { DuckDbWarehouse } from '../../src/warehouse/duckdb.ts';
import { temporaryFolder } from '../support/effects.ts';

const PAGE = `---
title: Groups
description: A page for tests.
inputs:
  city: {label: City, options: cities}
  near: {label: At most (km), type: number, default: 50}
  name: {label: Name, type: text}
---

\`\`\`sql cities
select distinct city from groups order by city
\`\`\`

\`\`\`sql by_city where="city = $city and km <= $near"
select group_name, city, members, km from marts.groups order by members desc
\`\`\`

\`\`\`sql named
select count(*) as n, $name as given from groups where group_name = $name
\`\`\`

\`\`\`sql total
select sum(members) as members, max(noted_at) as noted_at from groups
\`\`\`

<value query="total" column="members" title="All members" metric="people"/>

## Groups of a city

<grid>
<chart query="by_city" type="bar" x="members" y="group_name" title="Members by group" about="Everybody who joined."/>
<table query="by_city" title="Groups" columns="group_name: Group, members: Members, km: km (decimal)"/>
</grid>

<table query="named" title="One by name"/>
`;

const MANIFEST = {
  metadata: { project_name: 'small' },
  groups: { 'group.small.g': { name: 'g', owner: { name: 'Data Team', email: 'data@example.com' } } },
  nodes: {
    'model.small.groups': {
      resource_type: 'model',
      name: 'groups',
      alias: 'groups',
      schema: 'marts',
      description: 'One row per group.',
      access: 'public',
      group: 'g',
      original_file_path: 'models/groups.sql',
      config: { materialized: 'table' },
      columns: { members: { name: 'members', description: 'People who joined.', data_type: 'bigint' } },
      depends_on: { nodes: ['source.small.raw.users'] },
    },
    'test.small.t': { resource_type: 'test' },
  },
  exposures: {
    'exposure.small.board': {
      name: 'board',
      label: 'The board',
      owner: { name: 'Sales' },
      depends_on: { nodes: ['model.small.groups'] },
    },
  },
  semantic_models: { 'semantic_model.small.groups': { depends_on: { nodes: ['model.small.groups'] } } },
  metrics: {
    'metric.small.people': {
      name: 'people',
      label: 'People',
      description: 'Everybody in a group.',
      depends_on: { nodes: ['semantic_model.small.groups'] },
    },
  },
};

/** Groups, of which one has a name that would end a string of SQL or begin HTML. */
export const ODD_NAME = `O'Neil <b>"&co`;

/** A project with one page, and a published database with one public mart and a raw table. */
export async function dashboardProject(page = PAGE): Promise<Paths> {
  const root = await temporaryFolder();
  await write(root, 'meetup.yml', 'public: [marts]\ndashboard: {title: Test marts, as_of: groups.noted_at}\n');
  await write(root, 'dbt_project.yml', 'name: small\nprofile: small\n');
  await write(
    root,
    'profiles/profiles.yml',
    'small: {target: dev, outputs: {dev: {type: duckdb, path: "{{ env_var(\'MEETUP_DUCKDB_PATH\') }}"}}}\n',
  );
  await write(root, 'dashboard/groups.md', page);
  await write(root, '.meetup/dbt-target/manifest.json', JSON.stringify(MANIFEST));
  const paths = resolvePaths({}, {}, root);
  await publishGroups(paths, 100);
  return paths;
}

/** Publishes the database with another number of members in the first group, as a build does: by a rename. */
export async function publishGroups(paths: Paths, members: number): Promise<void> {
  const next = `${paths.database}.next`;
  const warehouse = await DuckDbWarehouse.open(next, { readOnly: false });
  await warehouse.run('create schema marts');
  await warehouse.run('create schema raw');
  await warehouse.run("create table raw.users as select 1 as user_id, 'secret' as name");
  await warehouse.run(
    `create table marts.groups as select * from (values
      ('First', 'Amsterdam', cast($members as bigint), 1.5, timestamp '2026-10-31 12:30:00'),
      ('Second', 'Amsterdam', 20, 80.0, null),
      ($odd, 'Utrecht', 7, 40.25, null)) as groups (group_name, city, members, km, noted_at)`,
    { members, odd: ODD_NAME },
  );
  await warehouse.close();
  await rename(next, paths.database);
}

async function write(root: string, name: string, text: string): Promise<void> {
  const file = join(root, name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}
