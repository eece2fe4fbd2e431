import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { CompiledModel } from '../../src/test-new/compiled-model.ts';
import { findInputs } from '../../src/test-new/reduce.ts';
import { Workbench } from '../../src/test-new/workbench.ts';
import { fixtureYaml } from '../../src/test-new/yaml.ts';
import { DuckDbWarehouse } from '../../src/warehouse/duckdb.ts';
import { quietEffects, temporaryFolder } from '../support/effects.ts';

/** A published database with groups and the users who joined them, and a model that reads it. */
async function reduce(sql: string, inputs: string[], chosen: string, key: string[], effects = quietEffects()) {
  const database = join(await temporaryFolder(), 'meetup.duckdb');
  const published = await DuckDbWarehouse.open(database, { readOnly: false });
  await published.run('create schema marts');
  await published.run(
    `create table marts.joins as select n % 50 as group_id, n % 977 as user_id, 'Group ' || (n % 50) || ' of Ann' as group_name,
     n % 3 as guests, n / 7.0 as unread from range(0, 3000) as t(n)`,
  );
  await published.run(
    `create table marts.places as select n as group_id, 'City ' || (n % 5) as city from range(0, 60) as t(n)`,
  );
  await published.close();
  const model: CompiledModel = {
    name: 'model',
    package: 'p',
    uniqueId: 'model.meetup.model',
    schema: 'marts',
    table: 'model',
    sql,
    isIncremental: false,
    inputs: inputs.map((table) => ({
      schema: 'marts',
      table,
      reference: `ref('${table}')`,
      declared: new Map(),
    })),
  };
  const bench = await Workbench.open(database, model);
  onTestFinished(() => bench.close());
  const made = await bench.query(`select * from (${sql}) where ${chosen} order by all`);
  const reduced = await findInputs(bench, model, made, key, effects);
  return { reduced, bench, model, made };
}

const joins = '"meetup"."marts"."joins"';
const places = '"meetup"."marts"."places"';

describe('the reduced inputs of chosen rows', () => {
  test('are the few rows that produce them, with only the columns that the model reads', async () => {
    const { reduced } = await reduce(
      `select user_id, group_id, guests + 1 as seats from ${joins} where guests > 0`,
      ['joins'],
      'user_id = 5 and group_id = 5',
      ['user_id', 'group_id'],
    );
    expect(reduced?.nearness).toBe('same');
    expect(reduced?.given[0]?.rows).toHaveLength(1);
    expect(reduced?.given[0]?.columns.map(({ name }) => name)).toEqual(['group_id', 'user_id', 'guests']);
    expect(reduced?.expected.rows).toHaveLength(1);
  });

  test('include only the needed side of an outer join', async () => {
    const { reduced } = await reduce(
      `select p.group_id, p.city, count(j.user_id) as members from ${places} as p left join ${joins} as j using (group_id) group by all`,
      ['places', 'joins'],
      'group_id = 55',
      ['group_id'],
    );
    expect(reduced?.given.map(({ rows }) => rows.length)).toEqual([1, 0]);
  });

  test('produce all chosen rows together', async () => {
    const { reduced, made } = await reduce(
      `select user_id, min(guests) as fewest from ${joins} group by user_id`,
      ['joins'],
      'user_id in (3, 4)',
      ['user_id'],
    );
    expect(made.rows).toHaveLength(2);
    expect(reduced?.given[0]?.rows).toHaveLength(2);
    expect(reduced?.expected.rows.map((row) => row[1])).toEqual(made.rows.map((row) => row[1]));
  });

  test('produce similar rows if only the complete data produces the same ones', async () => {
    const { reduced } = await reduce(
      `select group_id, count(*) as members, rank() over (order by count(*) desc, group_id) as place from ${joins} group by group_id`,
      ['joins'],
      'group_id = 40',
      ['group_id'],
    );
    expect(reduced).toMatchObject({ nearness: 'alike', expected: { rows: [[1, 1, 1]] } });
  });

  test('contain nothing personal', async () => {
    const { reduced, model } = await reduce(
      `select group_id, any_value(group_name) as group_name from ${joins} group by group_id`,
      ['joins'],
      'group_id = 7',
      ['group_id'],
    );
    if (reduced === undefined) throw new Error('nothing was found');
    const text = fixtureYaml({ name: 'a_test', description: "It's one: really", model, ...reduced });
    expect(text).toBe(`unit_tests:
  - name: a_test
    description: 'It''s one: really'
    model: model
    given:
      - input: ref('joins')
        rows:
          - {group_id: 1, group_name: 'Aa3 1 aa5 Aa2'}
    expect:
      rows:
        - {group_id: 1, group_name: 'Aa3 1 aa5 Aa2'}
`);
  });

  test('are not found if sixty rows are not enough', async () => {
    // Each reading of the clock takes a tenth of a second.
    let now = 0;
    const hurriedEffects = quietEffects({ clock: { now: () => 0, elapsed: () => (now += 100) } });
    const { reduced } = await reduce(
      `select case when count(*) >= 2000 then true end as is_large from ${joins}`,
      ['joins'],
      'true',
      ['is_large'],
      hurriedEffects,
    );
    expect(reduced).toBeUndefined();
  });
});
