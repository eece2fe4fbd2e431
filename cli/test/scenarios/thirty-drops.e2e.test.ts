import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Paths, projectRoot, resolvePaths } from '../../src/config/paths.ts';
import { EngineClient } from '../../src/engine/client.ts';
import { generate } from '../../src/generate/generate.ts';
import { load } from '../../src/ingest/load.ts';
import { DuckDbWarehouse } from '../../src/warehouse/duckdb.ts';
import { quoteIdentifier, quoteLiteral } from '../../src/warehouse/sql.ts';
import { type Chance, chanceFrom } from '../support/chance.ts';
import { quietEffects } from '../support/effects.ts';
import { hasItsTurn, howSampled, sampled, sampleSeed } from '../support/sampled.ts';

/** A month of generated drops, of which a third arrive late and a few are complete. */
const DAYS = 30;
/** At this scale there are a dozen groups, and one that is gone is more than the five percent that are accepted otherwise. */
const LIMITS = { maxRejected: 0.05, maxGone: 0.5 };
/** How many of the drops a run plays, unless it plays all. */
const PLAYED = 6;
const KEYS: Readonly<Record<string, readonly string[]>> = {
  groups: ['group_id'],
  users: ['user_id'],
  venues: ['venue_id'],
  events: ['group_id', 'created', 'time'],
};

const toolchain = process.env.MEETUP_TOOLCHAIN_DIR || join(projectRoot, '.meetup/toolchain');
const effects = quietEffects({ env: process.env });
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meetup-drops-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type Fields = Readonly<Record<string, unknown>>;

const pathsOf = (state: string): Paths =>
  resolvePaths(
    { data: join(folder, 'data'), stateDir: join(folder, state) },
    { MEETUP_TOOLCHAIN_DIR: toolchain },
    folder,
  );

/** The records of a file; none if the drop lacks it. */
async function recordsOf(drop: string, entity: string): Promise<Fields[]> {
  const names = await readdir(drop);
  return names.includes(`${entity}.json`) ? JSON.parse(await readFile(join(drop, `${entity}.json`), 'utf8')) : [];
}

/** Turns a drop into a complete one: the latest record of everything up to its day, apart from one in a hundred, which vanish. */
async function makeComplete(drop: string, earlier: readonly string[], chance: Chance): Promise<void> {
  for (const [entity, key] of Object.entries(KEYS)) {
    const latest = new Map<string, Fields>();
    for (const from of [...earlier, drop]) {
      for (const record of await recordsOf(from, entity)) {
        latest.set(JSON.stringify(key.map((field) => record[field])), record);
      }
    }
    const kept = [...latest.values()].filter(() => chance.below(100) > 0);
    await writeFile(join(drop, `${entity}.json`), JSON.stringify(kept));
  }
  await writeFile(join(drop, 'drop.json'), '{"complete": true}');
}

/** The days in the order of their arrival: a third of them arrive after up to eight later ones. */
function arrivals(days: readonly string[], chance: Chance): string[] {
  const late = new Set<number>();
  while (late.size < Math.floor(days.length / 3)) late.add(chance.below(days.length - 1));
  const place = new Map(days.map((day, at) => [day, late.has(at) ? at + 1.5 + chance.below(8) : at]));
  return days.toSorted((a, b) => (place.get(a) ?? 0) - (place.get(b) ?? 0));
}

/** The tables whose rows differ, with how many; the stored states of incremental models are not results. */
async function differences(incremental: string, full: string): Promise<Record<string, unknown>> {
  const warehouse = await DuckDbWarehouse.inMemory();
  try {
    await warehouse.run(`attach ${quoteLiteral(incremental)} as incremental (read_only)`);
    await warehouse.run(`attach ${quoteLiteral(full)} as complete (read_only)`);
    const { rows: tables } = await warehouse.query(
      `select schema_name, table_name from duckdb_tables()
       where database_name = 'complete' and schema_name <> 'raw' and not ends_with(table_name, '__seen')`,
    );
    expect(tables.length).toBeGreaterThan(30);
    const found: Record<string, unknown> = {};
    for (const [schema, name] of tables) {
      const table = `${quoteIdentifier(String(schema))}.${quoteIdentifier(String(name))}`;
      const only = (some: string, other: string): string =>
        `(select count(*) from (from ${some}.${table} except all from ${other}.${table}))`;
      const { rows } = await warehouse.query(
        `select ${only('incremental', 'complete')}, ${only('complete', 'incremental')}`,
      );
      if (Number(rows[0]?.[0]) + Number(rows[0]?.[1]) > 0) found[String(name)] = rows[0]?.map(Number);
    }
    return found;
  } finally {
    await warehouse.close();
  }
}

async function runModels(engine: EngineClient, fullRefresh: boolean): Promise<void> {
  const { status, nodes } = await engine.run({ target: 'dev', fullRefresh });
  expect(nodes.filter((node) => node.status === 'error').map(({ name, message }) => [name, message])).toEqual([]);
  expect(status).toBe('pass');
}

/** Builds everything from scratch on a copy of the database, and compares. */
async function differencesFromFullRefresh(paths: Paths, engine: EngineClient, full: Paths): Promise<unknown> {
  await mkdir(dirname(full.workDatabase), { recursive: true });
  await copyFile(paths.workDatabase, full.workDatabase);
  await runModels(engine, true);
  return differences(paths.workDatabase, full.workDatabase);
}

test.skipIf(!hasItsTurn('thirty drops'))(
  `after drops that are late or complete, an incremental build equals a full refresh (${howSampled})`,
  {
    timeout: 1_800_000,
  },
  async () => {
    const chance = chanceFrom(sampleSeed);
    const [paths, full] = [pathsOf('incremental'), pathsOf('full')];
    const [engine, refresher] = [new EngineClient(paths, effects), new EngineClient(full, effects)];
    try {
      await generate({ out: paths.data, scale: 0.01, seed: sampleSeed, days: DAYS }, effects);
      const aside = join(folder, 'drops');
      await mkdir(aside);
      const all = (await readdir(paths.data)).filter((name) => /^\d{4}-\d{2}-\d{2}$/.test(name)).sort();
      for (const day of all) await rename(join(paths.data, day), join(aside, day));
      const days = sampled(all, PLAYED);
      const complete = new Set([...Array(Math.ceil(days.length / 6)).keys()].map(() => chance.of(days)));
      for (const day of complete) {
        const earlier = days.filter((other) => other < day).map((other) => join(aside, other));
        await makeComplete(join(aside, day), [paths.data, ...earlier], chance);
      }
      await load({ paths, ...LIMITS }, effects);
      await runModels(engine, false);

      const order = arrivals(days, chance);
      for (const [at, day] of order.entries()) {
        await rename(join(aside, day), join(paths.data, day));
        expect((await load({ paths, ...LIMITS }, effects)).report.status).toBe('loaded');
        await runModels(engine, false);
        if (at % 6 === 2 || at === order.length - 1) {
          expect({ day, differ: await differencesFromFullRefresh(paths, refresher, full) }).toEqual({
            day,
            differ: {},
          });
        }
      }
    } finally {
      await engine.close();
      await refresher.close();
    }
  },
);
