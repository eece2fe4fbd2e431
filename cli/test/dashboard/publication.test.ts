import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { run as query } from '../../src/commands/query.ts';
import { MeetupError } from '../../src/config/errors.ts';
import type { Paths } from '../../src/config/paths.ts';
import { scriptOf } from '../../src/dashboard/data/page-data.ts';
import { Publication, sqlOf } from '../../src/dashboard/data/publication.ts';
import { readPages } from '../../src/dashboard/page/read-pages.ts';
import type { QuerySpec } from '../../src/dashboard/page/types.ts';
import { logBuild } from '../../src/engine/build-log.ts';
import { quietEffects } from '../support/effects.ts';
import { dashboardProject, ODD_NAME } from './site.ts';

const spec = (sql: string, where: QuerySpec['where'] = []): QuerySpec => ({
  name: 'q',
  sql,
  file: 'page.md',
  line: 3,
  where,
});

async function opened(paths?: Paths): Promise<{ publication: Publication; paths: Paths }> {
  const project = paths ?? (await dashboardProject());
  const publication = await Publication.open(project);
  onTestFinished(() => publication.retire());
  return { publication, paths: project };
}

it('answers as meetup query does', async () => {
  const { publication, paths } = await opened();
  const sql = 'select group_name, members, noted_at, km from groups order by members desc';
  const { report } = await query({ paths, sql }, quietEffects());
  expect(await publication.run(spec(sql), {})).toEqual(report[0]);
});

it.each([
  [ODD_NAME, 1],
  ["x' or '1' = '1", 0],
  [null, 0],
])('binds what people enter: %j is a value, never SQL', async (name, n) => {
  const { publication } = await opened();
  const outcome = await publication.run(spec('select count(*) as n from groups where group_name = $name'), { name });
  expect(outcome).toMatchObject({ rows: [[n]] });
});

it('binds lists and numbers with their types', async () => {
  const { publication } = await opened();
  const sql =
    'select typeof($ids), typeof($near), typeof($some), list_contains($ids, 20), $near > 1 from groups limit 1';
  const outcome = await publication.run(spec(sql), { ids: [20, 7], near: 1.5, some: ['a'] });
  expect(outcome).toMatchObject({ rows: [['BIGINT[]', 'DOUBLE', 'VARCHAR[]', true, true]] });
});

it('selects rows around the SQL of the page, with quoted names', async () => {
  const { publication } = await opened();
  const selecting = spec('select * from groups', [{ column: 'city', operator: '=', input: 'city' }]);
  expect(sqlOf(selecting)).toBe('select * from (\nselect * from groups\n) as page_query where "city" = $city');
  expect(await publication.run(selecting, { city: 'Utrecht' })).toMatchObject({
    rows: [[ODD_NAME, 'Utrecht', 7, 40.25, null]],
  });
});

it.each([
  ['select * from raw.users', 'raw.users, which is not public'],
  ['with a as (select 1) select * from a join "raw".users on true where $x is null', 'raw.users, which is not public'],
  ['select (select max(name) from meetup.raw.users)', 'raw.users, which is not public'],
  ['select * from users', 'raw.users, which is not public'],
  ["select * from query_table('raw.users')", 'query_table(), which could read anything'],
  ["select * from query('select * from raw.users')", 'query(), which could read anything'],
  ["select * from read_csv('/etc/passwd')", 'disabled by configuration'],
  ['drop table marts.groups', 'Only SELECT statements'],
  ['select 1; select 2', '2 statements'],
  ['select $nothing', 'the parameter $nothing, but the page has no input of that name'],
  ['select * frm groups', 'syntax error'],
])('refuses %s', async (sql, why) => {
  const { publication } = await opened();
  const outcome = await publication.run(spec(sql), {});
  expect(outcome).toEqual({ error: expect.stringContaining(why) });
  expect(outcome).toEqual({ error: expect.stringContaining('page.md:3') });
});

it('knows what a query reads, with description and owner', async () => {
  const { publication } = await opened();
  const relations = await publication.relationsOf(
    spec('with a as (select * from groups where city = $city) select * from a'),
  );
  expect(relations).toMatchObject([
    {
      schema: 'marts',
      name: 'groups',
      model: { description: 'One row per group.', owner: 'Data Team', isPublic: true },
    },
  ]);
  expect(publication.asOf).toBe('2026-10-31T12:30:00');
});

it('resolves the inputs of a page: options from the database, and the first one as the default', async () => {
  const { publication, paths } = await opened();
  const [page] = await readPages(join(paths.root, 'dashboard'));
  if (page === undefined) throw new Error('there is a page');
  expect(await scriptOf(page, publication, 'live')).toMatchObject({
    inputs: [
      { name: 'city', initial: 'Amsterdam', options: [{ value: 'Amsterdam' }, { value: 'Utrecht' }] },
      { name: 'near', initial: 50, options: [] },
      { name: 'name', initial: null },
    ],
    queries: [
      { name: 'cities', keys: [], filters: [] },
      { name: 'by_city', keys: ['city'], filters: [{ column: 'km', operator: '<=', input: 'near' }] },
      { name: 'named', keys: ['name'] },
      { name: 'total', keys: [] },
    ],
  });
});

it('shows models, tests and builds as tables', async () => {
  const paths = await dashboardProject();
  const node = { file: null, ms: 1500, message: null };
  await logBuild(paths, {
    why: 'dbt/models/groups.sql',
    ms: 2000,
    endedAt: Date.UTC(2026, 9, 31, 12),
    answer: {
      status: 'fail',
      problems: [],
      elsewhere: [],
      ms: {},
      nodes: [
        {
          ...node,
          uniqueId: 'model.small.groups',
          name: 'groups',
          resourceType: 'model',
          status: 'success',
          rowsWritten: 3,
        },
        {
          ...node,
          uniqueId: 'test.small.t',
          name: 't',
          resourceType: 'test',
          status: 'fail',
          failures: 2,
          tests: 'model.small.groups',
        },
      ],
    },
  });
  const { publication } = await opened(paths);
  const rows = async (sql: string) => publication.run(spec(sql), {});
  expect(
    await rows(
      'select model, owner, is_public, row_count, seconds, rows_written, tests, failing_tests, status from pipeline_models',
    ),
  ).toMatchObject({ rows: [['groups', 'Data Team', true, 3, 1.5, 3, 1, 1, 'pass']] });
  expect(await rows('select test, model, status, failing_rows from pipeline_tests')).toMatchObject({
    rows: [['t', 'groups', 'fail', 2]],
  });
  expect(await rows('select ended_at, status, why, models, tests, failed from pipeline_builds')).toMatchObject({
    rows: [['2026-10-31T12:00:00', 'fail', 'dbt/models/groups.sql', 1, 1, 1]],
  });
  expect(await rows('select * from pipeline_columns')).toMatchObject({
    rows: [['groups', 1, 'members', 'bigint', 'People who joined.']],
  });
  expect(await rows('select * from pipeline_links order by all')).toMatchObject({
    rows: [
      ['groups', 'is read by', 'The board', 'exposure', 'Sales'],
      ['groups', 'is read by', 'people', 'metric', 'Data Team'],
      ['groups', 'reads', 'raw.users', 'source', null],
    ],
  });
});

it('computes the lineage of columns for the first query that reads it, once, and tries again after a failure', async () => {
  const paths = await dashboardProject();
  let asked = 0;
  const publication = await Publication.open(paths, () => {
    asked += 1;
    if (asked === 1) return Promise.reject(new MeetupError('The dbt project can’t be read.'));
    const feed = { model: 'groups', column: 'members', from: 'raw.users', kind: 'source', from_columns: 'user_id' };
    return Promise.resolve({ feeds: [{ ...feed, decides: 'value' as const, steps: 1 }], readers: [] });
  });
  onTestFinished(() => publication.retire());
  await publication.run(spec('select count(*) from groups'), {});
  expect(asked).toBe(0);
  const feeds = spec('select "from", from_columns, steps from pipeline_column_feeds');
  expect(await publication.run(feeds, {})).toEqual({
    error: expect.stringContaining('The dbt project can’t be read.'),
  });
  expect(await publication.run(feeds, {})).toMatchObject({ rows: [['raw.users', 'user_id', 1]] });
  expect(await publication.run(spec('select * from pipeline_column_readers'), {})).toMatchObject({ rows: [] });
  expect(asked).toBe(2);
});
