import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { run as generate } from '../../src/commands/generate.ts';
import { type Paths, projectRoot, resolvePaths } from '../../src/config/paths.ts';
import { load } from '../../src/ingest/load.ts';
import { readContracts } from '../../src/ingest/schemas.ts';
import { landingPlan } from '../../src/landing/plan.ts';
import { rehearsalConnection } from '../../src/rehearsal/connection.ts';
import { rehearsalPlaces } from '../../src/rehearsal/places.ts';
import { connectTarget, remoteTarget } from '../../src/targets/target.ts';
import type { DatabricksConnection } from '../../src/warehouse/databricks.ts';
import { quoteNames } from '../../src/warehouse/databricks-sql.ts';
import { openPublished } from '../../src/warehouse/duckdb.ts';
import { chanceFrom } from '../support/chance.ts';
import { quietEffects } from '../support/effects.ts';
import { hasItsTurn, howSampled, sampleSeed } from '../support/sampled.ts';
import { shareRehearsal } from '../support/shared-rehearsal.ts';
import { installLanding, runPython } from './python.ts';

vi.setConfig({ testTimeout: 900_000 });

const effects = quietEffects({ env: process.env });
const VOLUME = 'arrived.drops';
/** Statements of the first run that write, roughly. */
const WRITES = 30;

let folder: string;
let paths: Paths;
let connection: DatabricksConnection;
let catalog: string;
let volumes: string;
let volume: string;
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  await installLanding();
  folder = await mkdtemp(join(tmpdir(), 'meetup-landing-'));
  const toolchain = process.env.MEETUP_TOOLCHAIN_DIR ?? join(projectRoot, '.meetup/toolchain');
  paths = resolvePaths(
    { stateDir: join(folder, 'state'), data: join(folder, 'data') },
    { MEETUP_TOOLCHAIN_DIR: toolchain },
    folder,
  );
  paths = { ...paths, schemas: resolvePaths({}, {}, projectRoot).schemas };
  await generate({ out: paths.data, scale: 0.002, seed: 3, days: 1 }, quietEffects());
  await put('2027-01-01/groups.json', ODD_GROUPS);
  await put('2027-01-01/drop.json', '{"complete": false}');
  await shareRehearsal(paths.state, effects);
  const target = await remoteTarget('rehearsal', paths, effects);
  ({ catalog } = target);
  connection = await connectTarget(target, effects);
  const { driver } = await rehearsalConnection(paths, effects);
  env = { LANDING_CONNECTION: JSON.stringify(driver) };
  await connection.run('create schema if not exists arrived');
  await connection.run('create volume arrived.drops');
  volumes = rehearsalPlaces(paths).volumes;
  volume = join(volumes, catalog, 'arrived', 'drops');
  const plan = landingPlan(await readContracts(paths.schemas), { maxRejected: 0.9, maxGone: 0.05 });
  await writeFile(join(folder, 'landing.json'), JSON.stringify(plan));
}, 900_000);

afterAll(async () => {
  await connection?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Records in notations and with faults that a generated file hasn't. */
const ODD_GROUPS = `[
  {"group_id": 900001, "name": "Plain", "created": 1300000000000},
  {"group_id": 900002.0, "name": "A fraction that is none \\u2615", "created": 1.3e12},
  {"group_id": "900003", "name": "A text for a number", "created": 1300000000000},
  {"group_id": 9007199254740993, "name": "Too large", "created": 1300000000000},
  {"created": 1300000000000, "name": "In\\u0020another order", "unlisted":
    {"a": [1, {}]}, "group_id": 900004}
]`;

async function put(name: string, text: string): Promise<void> {
  await mkdir(join(paths.data, name, '..'), { recursive: true });
  await writeFile(join(paths.data, name), text);
}

/** Runs the task, and returns what it prints. */
const land = (killAfter = 0): Promise<string> =>
  runPython('land_on_rehearsal.py', [join(folder, 'landing.json'), volumes, catalog, VOLUME, String(killAfter)], {
    env,
  });

const TABLES: Readonly<Record<string, string>> = {
  groups: '_batch_seq, _source_file, _record_index',
  users: '_batch_seq, _source_file, _record_index',
  events: '_batch_seq, _source_file, _record_index',
  venues: '_batch_seq, _source_file, _record_index',
  rejected_records: '_batch_seq, _source_file, _record_index',
  loaded_files: 'batch_id, source_file',
  batches: 'batch_seq',
};

/** All rows of the raw tables, as parsed JSON, without the time at which they were loaded. */
async function rowsOf(where: 'here' | 'there'): Promise<Record<string, unknown[]>> {
  const rows: Record<string, unknown[]> = {};
  const local = where === 'here' ? await openPublished(paths) : undefined;
  try {
    for (const [table, order] of Object.entries(TABLES)) {
      const texts =
        local === undefined
          ? (
              await connection.rows(
                `select to_json(struct(*), map('ignoreNullFields', 'false')) as row from ${quoteNames(catalog, 'raw', table)} order by ${order}`,
              )
            ).map(({ row }) => row)
          : (await local.query(`select to_json(t)::varchar from raw.${table} as t order by ${order}`)).rows.map(
              ([row]) => row,
            );
      rows[table] = texts.map((text) => {
        const { _loaded_at: _, loaded_at: __, ...row } = JSON.parse(String(text));
        return row;
      });
    }
    return rows;
  } finally {
    await local?.close();
  }
}

const tinyVersion = async (): Promise<unknown> =>
  (await connection.rows(`describe history ${quoteNames(catalog, 'raw', 'events')} limit 1`))[0]?.version;

describe.skipIf(!hasItsTurn('landed files'))(`the task that loads landed files (${howSampled})`, () => {
  it('leaves the rows and the quarantine that load does, though it was killed after a statement that writes', async () => {
    await cp(paths.data, volume, { recursive: true });
    const killAfter = 8 + chanceFrom(sampleSeed).below(WRITES);
    expect(await land(killAfter)).not.toContain('refused');
    expect(await land()).not.toContain('refused');
    await load({ paths, maxRejected: 0.9 }, quietEffects());
    const [there, here] = [await rowsOf('there'), await rowsOf('here')];
    expect(there).toEqual(here);
    expect(there.rejected_records?.length).toBeGreaterThan(1);
    expect(there.batches).toHaveLength(3);
  });

  it('loads nothing twice', async () => {
    const before = await tinyVersion();
    expect(await land()).not.toContain('Loaded');
    expect(await tinyVersion()).toBe(before);
  });

  it('leaves nothing of a drop that is refused, and loads it once it is corrected', async () => {
    const before = await rowsOf('there');
    await mkdir(join(volume, '2027-01-02'));
    await writeFile(join(volume, '2027-01-02', 'venues.json'), '[{"venue_id": 1}, {"venue_id": 2');
    expect(await land()).toMatch(/refused: 2027-01-02\/venues.json is not JSON in record 1/);
    await writeFile(join(volume, '2027-01-02', 'venues.json'), '[{}, {}]');
    expect(await land()).toContain('2 of 2 records (100.0 %) failed validation');
    const groups = '{"group_id": 1, "name": "One", "created": 1300000000000}';
    await writeFile(join(volume, '2027-01-02', 'venues.json'), '[]');
    await writeFile(join(volume, '2027-01-02', 'groups.json'), groups);
    await writeFile(join(volume, '2027-01-02', 'drop.json'), '{"complete": ["groups"]}');
    expect(await land()).toMatch(/groups.json lacks \d+ of the \d+ groups that were there before/);
    expect(await rowsOf('there')).toEqual(before);
    await rm(join(volume, '2027-01-02', 'drop.json'));
    expect(await land()).toContain('Loaded 2027-01-02-');
    expect((await rowsOf('there')).groups).toHaveLength((before.groups?.length ?? 0) + 1);
  });
});
