import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { run as runTestNew } from '../../src/commands/test-new.ts';
import { type Paths, projectRoot, resolvePaths } from '../../src/config/paths.ts';
import { readScenario } from '../../src/scenarios/read-scenarios.ts';
import { ScenarioPlayer } from '../../src/scenarios/scenario-player.ts';
import { DuckDbWarehouse } from '../../src/warehouse/duckdb.ts';
import { publish } from '../../src/warehouse/publish.ts';
import { quietEffects } from '../support/effects.ts';

/** `meetup test new` on a real database, from compiling the model to dbt's own verdict on the new test. */
let folder: string;
let paths: Paths;
const effects = quietEffects({ env: process.env });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-new-'));
  const project = join(folder, 'project');
  for (const part of ['dbt', 'profiles', 'fixtures', 'data/schemas', 'queries', 'meetup.yml']) {
    await cp(join(projectRoot, part), join(project, part), { recursive: true });
  }
  const toolchain = process.env.MEETUP_TOOLCHAIN_DIR || join(projectRoot, '.meetup/toolchain');
  const env = { MEETUP_TOOLCHAIN_DIR: toolchain, MEETUP_PROJECT_DIR: project };
  paths = resolvePaths({ stateDir: join(folder, 'state') }, env, folder);
  const session = new ScenarioPlayer(paths, effects);
  await session.play(await readScenario(paths, 'quarantined'), 1).finally(() => session.close());
  await publish(paths);
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const fixture = async (file: string) => parse(await readFile(join(paths.root, file), 'utf8')).unit_tests[0];

describe('a test created from local data', { timeout: 120_000 }, () => {
  test('contains the inputs of the chosen row, passes in dbt, and is anonymised', async () => {
    const { report } = await runTestNew({ paths, model: 'fct_events', where: `event_name = 'Good'` }, effects);
    expect(report).toMatchObject({
      file: 'fixtures/models/fct_events/from_local_data.yml',
      expected: 1,
      nearness: 'same',
    });
    const written = await fixture(report.file);
    expect(written.given.map(({ input, rows }: { input: string; rows: unknown[] }) => [input, rows.length])).toEqual([
      [`ref('fct_rsvps')`, 1],
      [`ref('int_events_latest')`, 1],
      [`ref('int_as_of')`, 1],
    ]);
    expect(written.expect.rows[0]).toMatchObject({
      event_name: expect.stringMatching(/^Aa\d+$/),
      yes_count: 1,
      yes_seats: 1,
      is_held: false,
    });
  });

  test('tests the first build of an incremental model', async () => {
    const { report } = await runTestNew({ paths, model: 'fct_rsvps', name: 'an_answer' }, effects);
    expect(await fixture(report.file)).toMatchObject({
      name: 'an_answer',
      overrides: { macros: { is_incremental: false } },
    });
  });

  test('never overwrites a file', async () => {
    const options = { paths, model: 'fct_rsvps', name: 'an_answer' };
    await expect(runTestNew(options, effects)).rejects.toThrow('already exists: choose another --name');
  });

  test('can be created from a rejected record', async () => {
    const database = await DuckDbWarehouse.open(paths.database, { readOnly: true });
    const { rows } = await database.query(`select rejected_id from raw.rejected_records where entity = 'groups'`);
    await database.close();
    const fromRejected = String(rows[0]?.[0]);
    const { report } = await runTestNew({ paths, model: 'stg_meetup__groups', fromRejected }, effects);
    expect((await fixture(report.file)).expect.rows).toMatchObject([
      { group_id: 1, group_name: expect.stringMatching(/^[Aa\d ]+$/), latitude: 200 },
    ]);
  });

  describe('from a rejected record', () => {
    const rejected = async (entity: string): Promise<string> => {
      const database = await DuckDbWarehouse.open(paths.database, { readOnly: true });
      const { rows } = await database.query(
        `select rejected_id from raw.rejected_records where entity = '${entity}' order by all`,
      );
      await database.close();
      return String(rows[0]?.[0]);
    };

    test.each([
      ['groups', 'dim_groups', { latitude: 200 }],
      ['users', 'fct_memberships', { user_id: expect.any(Number) }],
      ['events', 'fct_rsvps', { seats: 0 }],
      ['events', 'fct_events', { yes_count: 1 }],
      ['groups', 'group_scorecard', { latitude: 200 }],
    ])('of %s contains the rows of %s that it leads to', async (entity, model, row) => {
      const { report } = await runTestNew(
        { paths, model, fromRejected: await rejected(entity), name: 'admitted' },
        effects,
      );
      const written = await fixture(report.file);
      expect(written.expect.rows).toContainEqual(expect.objectContaining(row));
      expect(written.given.length).toBeGreaterThan(0);
      expect(JSON.stringify(written)).not.toMatch(/On no globe|One answer is none/);
    });

    test('is rejected with one sentence if the record leads to no row', async () => {
      // The event is in the future, so it counts for no month yet.
      const options = { paths, model: 'group_months', fromRejected: await rejected('events') };
      await expect(runTestNew(options, effects)).rejects.toThrow('produces no row of group_months');
    });

    test('is rejected with one sentence if the model does not read its entity', async () => {
      const options = { paths, model: 'int_users_latest', fromRejected: await rejected('groups') };
      await expect(runTestNew(options, effects)).rejects.toThrow('int_users_latest does not depend on raw.groups');
    });
  });

  test.each([
    [{ model: 'fct_event' }, 'did you mean fct_events?'],
    [{ model: 'fct_events', where: 'nothing' }, "--where can't be applied to fct_events"],
    [{ model: 'fct_events', fromKey: '0' }, 'its key is event_key'],
    [{ model: 'fct_events', name: '../x' }, '--name takes lower-case letters'],
    [{ model: 'fct_events', fromRejected: '0' }, `There is no rejected record '0'`],
    [{ model: 'fct_events', where: 'true', fromKey: '0' }, "can't be combined"],
  ])('is rejected with one sentence for invalid options: %o', async (options, message) => {
    const before = await readdir(join(paths.fixtures, 'fct_events'));
    await expect(runTestNew({ paths, ...options }, effects)).rejects.toThrow(message);
    expect(await readdir(join(paths.fixtures, 'fct_events'))).toEqual(before);
  });
});
