import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import type { Paths } from '../../src/config/paths.ts';
import { type LoadReport, load } from '../../src/ingest/load.ts';
import type { Cell } from '../../src/warehouse/warehouse.ts';
import { quietEffects, temporaryPaths } from '../support/effects.ts';
import { put, rowsOf } from './support.ts';

const EFFECTS = quietEffects({ clock: { now: () => 1_767_225_600_000, elapsed: () => 0 } });

/** A project with this schema only. */
async function projectWith(schema: object): Promise<Paths> {
  const paths = await temporaryPaths();
  const schemas = join(paths.data, 'schemas');
  await mkdir(schemas, { recursive: true });
  await writeFile(join(schemas, 'sponsors.schema.json'), JSON.stringify(schema));
  return { ...paths, schemas };
}

const change = (paths: Paths, schema: object): Promise<void> =>
  writeFile(join(paths.schemas, 'sponsors.schema.json'), JSON.stringify(schema));

async function loadWith(
  paths: Paths,
  how: { migrates?: boolean; retriesRejected?: boolean } = {},
): Promise<LoadReport> {
  return (await load({ paths, maxRejected: 1, ...how }, EFFECTS)).report;
}

/** Of the statements of a load, every so manieth is the last one before it is killed. */
const KILL_EVERY = 4;

const TABLES = ['sponsors', 'rejected_records', 'loaded_files', 'batches'];

/** The rows of the raw tables, sorted so that they do not depend on when they were written, and the types of their columns. */
async function contentOf(paths: Paths): Promise<Record<string, readonly (readonly Cell[])[]>> {
  const content: Record<string, readonly (readonly Cell[])[]> = {};
  for (const table of TABLES) content[table] = await rowsOf(paths, `select * from raw.${table} order by all`);
  content.types = await rowsOf(
    paths,
    "select table_name, column_name, data_type, is_nullable, comment from duckdb_columns() where schema_name = 'raw' order by table_name, column_index",
  );
  return content;
}

/** Loads the same files into a new state folder with the current schema. */
async function loadFromScratch(paths: Paths): Promise<Paths> {
  const other = await temporaryPaths();
  await cp(paths.data, other.data, { recursive: true });
  const fresh = { ...other, schemas: join(other.data, 'schemas') };
  await loadWith(fresh);
  return fresh;
}

const objectOf = (properties: object, required: string[] = ['id']): object => ({
  'x-meetup': { key: ['id'] },
  type: 'object',
  required,
  properties: { id: { type: 'integer' }, ...properties },
});

const DEALS = { type: 'array', items: { type: 'object', properties: { group_id: { type: 'integer' } } } };
const WIDE_DEALS = {
  type: 'array',
  items: { type: 'object', properties: { group_id: { type: 'integer' }, terms: { type: 'string' } } },
};

describe('load --retry-rejected', () => {
  it('loads rejected records that a wider schema allows, as if they had been valid from the start', async () => {
    const paths = await projectWith(objectOf({ tier: { enum: ['gold'] }, seats: { type: 'integer' } }));
    await put(paths, 'sponsors.json', [
      { id: 1, tier: 'silver' },
      { id: 2, tier: 'gold' },
      { id: 3, tier: 'tin' },
    ]);
    await put(paths, '2026-01-02/sponsors.json', [
      { id: 1, tier: 'gold', seats: 2 },
      { id: 2, tier: 'silver', seats: 1.5 },
      { id: 3, tier: 'silver' },
      { id: 4, seats: 'many' },
    ]);
    await loadWith(paths);
    await put(paths, '2026-01-03/sponsors.json', [
      { id: 2, tier: 'gold' },
      { id: 3, tier: 'bronze' },
    ]);
    await loadWith(paths);
    await change(paths, objectOf({ tier: { enum: ['gold', 'silver'] }, seats: { type: 'number' } }));
    await expect(loadWith(paths)).rejects.toThrow('seats becomes DOUBLE instead of BIGINT');
    const report = await loadWith(paths, { migrates: true, retriesRejected: true });
    expect(report).toMatchObject({
      status: 'loaded',
      migrated: [{ entity: 'sponsors', retyped: ['seats'], rejected: 0 }],
      retried: { sponsors: { loaded: 3, rejected: 3 } },
    });
    const latest =
      'select id, tier from raw.sponsors qualify row_number() over (partition by id order by _dropped_on desc, _batch_seq desc, _record_index desc) = 1 order by id';
    expect(await rowsOf(paths, latest)).toEqual([
      [1, 'gold'],
      [2, 'gold'],
      [3, 'silver'],
    ]);
    expect(await contentOf(paths)).toEqual(await contentOf(await loadFromScratch(paths)));
  });

  it('keeps what is known about complete drops: a rejected record was there, before and after it is loaded', async () => {
    const paths = await projectWith(objectOf({ tier: { enum: ['gold'] } }));
    await put(paths, 'sponsors.json', [{ id: 1 }, { id: 2 }]);
    await put(paths, '2026-01-02/drop.json', '{"complete": true}');
    await put(paths, '2026-01-02/sponsors.json', [{ id: 1 }, { id: 2, tier: 'tin' }]);
    expect(await loadWith(paths)).toMatchObject({ status: 'loaded', entities: { sponsors: { rejected: 1 } } });
    await change(paths, objectOf({ tier: { enum: ['gold', 'tin'] } }));
    await loadWith(paths, { retriesRejected: true });
    expect(await contentOf(paths)).toEqual(await contentOf(await loadFromScratch(paths)));
    await change(paths, objectOf({ tier: { enum: ['gold'] } }));
    await loadWith(paths, { migrates: true });
    expect(await contentOf(paths)).toEqual(await contentOf(await loadFromScratch(paths)));
    expect(await rowsOf(paths, 'select records_rejected from raw.loaded_files where is_complete')).toEqual([[1]]);
  });

  it('updates the reasons of records that are still rejected', async () => {
    const paths = await projectWith(objectOf({ tier: { enum: ['gold'] } }));
    await put(paths, 'sponsors.json', [{ id: 1, tier: 'tin' }]);
    await loadWith(paths);
    await change(paths, objectOf({ tier: { enum: ['gold', 'silver'] } }));
    expect(await loadWith(paths, { retriesRejected: true })).toMatchObject({
      status: 'unchanged',
      retried: { sponsors: { loaded: 0, rejected: 1 } },
    });
    expect(await contentOf(paths)).toEqual(await contentOf(await loadFromScratch(paths)));
  });

  it('does not need the original file, and finds nothing to do the second time', async () => {
    const paths = await projectWith(objectOf({ tier: { enum: ['gold'] } }));
    await put(paths, 'sponsors.json', [{ id: 1, tier: 'silver' }]);
    await loadWith(paths);
    await rm(join(paths.data, 'sponsors.json'));
    await change(paths, objectOf({ tier: { type: 'string' } }));
    expect((await loadWith(paths, { retriesRejected: true })).retried).toEqual({
      sponsors: { loaded: 1, rejected: 0 },
    });
    expect((await loadWith(paths, { retriesRejected: true })).retried).toEqual({});
    expect(await rowsOf(paths, 'select id, tier from raw.sponsors')).toEqual([[1, 'silver']]);
  });
});

describe('a changed schema', () => {
  it('is applied immediately if it only adds properties, even inside a list', async () => {
    const paths = await projectWith(objectOf({ deals: DEALS }));
    await put(paths, 'sponsors.json', [{ id: 1, deals: [{ group_id: 7 }] }]);
    await loadWith(paths);
    await change(paths, objectOf({ deals: WIDE_DEALS, tier: { type: 'string' } }));
    await put(paths, '2026-01-02/sponsors.json', [{ id: 2, tier: 'gold', deals: [{ group_id: 8, terms: 'x' }] }]);
    await loadWith(paths);
    expect(await rowsOf(paths, 'select id, tier, deals from raw.sponsors order by id')).toEqual([
      [1, null, [{ group_id: 7, terms: null }]],
      [2, 'gold', [{ group_id: 8, terms: 'x' }]],
    ]);
    expect(await contentOf(paths)).toEqual(await contentOf(await loadFromScratch(paths)));
  });

  it.each<[string, object, RegExp]>([
    [
      'has a lower bound',
      objectOf({ seats: { type: 'integer', maximum: 5 } }),
      /: 1 of 2 loaded records move to raw\.rejected_records \(for example record 1 of sponsors\.json: \/seats must be <= 5\)\. /,
    ],
    [
      'has another type',
      objectOf({ seats: { type: 'string' } }),
      /: seats becomes VARCHAR instead of BIGINT, 2 of 2 loaded records move to /,
    ],
    [
      'requires more',
      objectOf({ seats: { type: 'integer' }, tier: { type: 'string' } }, ['id', 'tier']),
      /: 1 of 2 loaded records move to .*must have required property 'tier'/,
    ],
  ])('is rejected with a plan if it %s, and nothing changes', async (_, schema, plan) => {
    const paths = await projectWith(objectOf({ seats: { type: 'integer' }, tier: { type: 'string' } }));
    await put(paths, 'sponsors.json', [
      { id: 1, seats: 5, tier: 'a' },
      { id: 2, seats: 6 },
    ]);
    await loadWith(paths);
    const before = await contentOf(paths);
    await change(paths, schema);
    await put(paths, '2026-01-02/sponsors.json', [{ id: 3 }]);
    const error = await loadWith(paths).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'MeetupError', exitCode: 2, message: expect.stringMatching(plan) });
    expect(error).toMatchObject({
      message: expect.stringMatching(
        /^sponsors\.schema\.json no longer matches the contents of raw\.sponsors: .* Nothing was changed: run `\S+ \S*load --migrate` to do this|load --migrate` to do this, or change the schema back\.$/,
      ),
    });
    expect(await contentOf(paths)).toEqual(before);
  });

  it('is refused with a plan if the key changes, because models name the key themselves', async () => {
    const paths = await projectWith(objectOf({ kind: { type: 'string' } }, ['id', 'kind']));
    await put(paths, 'sponsors.json', [{ id: 1, kind: 'a' }]);
    await loadWith(paths);
    const rekeyed = { ...objectOf({ kind: { type: 'string' } }, ['id', 'kind']), 'x-meetup': { key: ['id', 'kind'] } };
    await change(paths, rekeyed);
    await expect(loadWith(paths)).rejects.toThrow(
      /its key becomes id, kind instead of id, which models that keep the latest version of each record have to follow by hand.*load --migrate/,
    );
    await loadWith(paths, { migrates: true });
    expect((await loadWith(paths)).status).toBe('unchanged');
    expect(await contentOf(paths)).toEqual(await contentOf(await loadFromScratch(paths)));
  });

  it('is applied if it is stricter but all loaded records are valid', async () => {
    const paths = await projectWith(objectOf({ seats: { type: 'integer' } }));
    await put(paths, 'sponsors.json', [{ id: 1, seats: 5 }]);
    await loadWith(paths);
    await change(paths, objectOf({ seats: { type: 'integer', maximum: 5 } }));
    expect((await loadWith(paths)).status).toBe('unchanged');
    expect(await contentOf(paths)).toEqual(await contentOf(await loadFromScratch(paths)));
  });

  it('treats a loaded null as a null value if the property is required, and as missing otherwise', async () => {
    const note = { type: ['string', 'null'] };
    const paths = await projectWith(objectOf({ note, more: { type: ['string', 'null'] } }));
    await put(paths, 'sponsors.json', [{ id: 1, note: null }]);
    await loadWith(paths);
    await change(paths, objectOf({ note, more: { type: 'string' } }, ['id', 'note']));
    expect((await loadWith(paths)).status).toBe('unchanged');
  });

  it('leaves the tables either unchanged or migrated when load --migrate is killed', async () => {
    const paths = await projectWith(objectOf({ seats: { type: 'integer' } }));
    const records = Array.from({ length: 20_000 }, (_, id) => ({ id, seats: id % 100 }));
    await put(paths, 'sponsors.json', records);
    await loadWith(paths);
    const before = 'select count(*), max(seats) from raw.sponsors';
    await change(paths, objectOf({ seats: { type: 'number', maximum: 49 } }));
    const script = `import { load } from ${JSON.stringify(new URL('../../src/ingest/load.ts', import.meta.url).href)};
      import { silentEffects } from ${JSON.stringify(new URL('../../src/config/effects.ts', import.meta.url).href)};
      process.stdout.write('ready');
      await load({ paths: ${JSON.stringify(paths)}, maxRejected: 1, migrates: true }, silentEffects());
      process.stdout.write('done');`;
    for (const moment of [20, 250, 600]) {
      const child = execa('node', ['--import', 'tsx', '--input-type=module', '-e', script], { reject: false });
      await new Promise((resolve) => child.stdout.once('data', resolve));
      await delay(moment);
      child.kill('SIGKILL');
      await child;
      expect([[[20_000, 99]], [[10_000, 49]]]).toContainEqual(await rowsOf(paths, before));
    }
    const { migrated } = await loadWith(paths, { migrates: true });
    expect([[], [{ entity: 'sponsors', retyped: ['seats'], rejected: 10_000 }]]).toContainEqual(migrated);
    expect(await rowsOf(paths, 'select count(*), max(seats), typeof(max(seats)) from raw.sponsors')).toEqual([
      [10_000, 49, 'DOUBLE'],
    ]);
    expect(await rowsOf(paths, 'select count(*) from raw.rejected_records')).toEqual([[10_000]]);
    expect(await rowsOf(paths, 'select records_loaded, records_rejected from raw.loaded_files')).toEqual([
      [10_000, 10_000],
    ]);
  }, 60_000);

  it('loses and doubles no record when load --retry-rejected is killed before any of its statements', async () => {
    const paths = await projectWith(objectOf({ seats: { type: 'integer', maximum: 49 } }));
    const records = Array.from({ length: 5000 }, (_, id) => ({ id, seats: id % 100 }));
    await put(paths, 'sponsors.json', records);
    await loadWith(paths);
    await change(paths, objectOf({ seats: { type: 'integer', maximum: 89 } }));
    const counts = `select (select count(*) from raw.sponsors), (select count(distinct id) from raw.sponsors),
      (select count(*) from raw.rejected_records), (select sum(records_loaded) from raw.loaded_files),
      (select sum(records_rejected) from raw.loaded_files)`;
    const [before, after] = [
      [2500, 2500, 2500, 2500, 2500],
      [4500, 4500, 500, 4500, 500],
    ];
    expect(await rowsOf(paths, counts)).toEqual([before]);
    const module = (place: string): string => JSON.stringify(new URL(`../../src/${place}`, import.meta.url).href);
    const script = `import { load } from ${module('ingest/load.ts')};
      import { silentEffects } from ${module('config/effects.ts')};
      import { DuckDbWarehouse } from ${module('warehouse/duckdb.ts')};
      let left = Number(process.env.STATEMENTS);
      for (const name of ['run', 'query']) {
        const original = DuckDbWarehouse.prototype[name];
        DuckDbWarehouse.prototype[name] = function (...given) {
          left -= 1;
          if (left < 0) process.kill(process.pid, 'SIGKILL');
          return original.apply(this, given);
        };
      }
      await load({ paths: ${JSON.stringify(paths)}, maxRejected: 1, retriesRejected: true }, silentEffects());`;
    // The first statements only read, and starting a process takes a second, so not every one has its own kill.
    let kills = 0;
    for (let statements = 2; ; statements += KILL_EVERY) {
      const { signal, exitCode } = await execa('node', ['--import', 'tsx', '--input-type=module', '-e', script], {
        reject: false,
        env: { STATEMENTS: String(statements) },
      });
      expect([[before], [after]]).toContainEqual(await rowsOf(paths, counts));
      if (signal === undefined) {
        expect(exitCode).toBe(0);
        break;
      }
      kills += 1;
    }
    expect(kills).toBeGreaterThan(4);
    expect((await loadWith(paths, { retriesRejected: true })).status).toBe('unchanged');
    expect(await rowsOf(paths, counts)).toEqual([after]);
    expect(await contentOf(paths)).toEqual(await contentOf(await loadFromScratch(paths)));
  }, 300_000);

  it('gives the same tables after load --migrate as after a load from scratch', async () => {
    const paths = await projectWith(
      objectOf({
        seats: { type: 'integer' },
        ref: { type: 'integer' },
        deals: DEALS,
        note: { type: ['string', 'null'] },
      }),
    );
    await put(paths, 'sponsors.json', [
      { id: 1, seats: 5, ref: 1, deals: [{ group_id: 7 }, {}], note: null },
      { id: 2, seats: 60, ref: 2 },
      { id: 3, seats: 'x' },
    ]);
    await put(paths, '2026-01-02/sponsors.json', [
      { id: 1, seats: 50 },
      { id: 2, ref: 3, deals: [{ group_id: 0 }] },
    ]);
    await loadWith(paths);
    await change(
      paths,
      objectOf({
        seats: { type: 'integer', maximum: 9 },
        ref: { type: ['integer', 'string'] },
        deals: { type: 'array', items: { type: 'object', properties: { group_id: { type: 'number', minimum: 1 } } } },
        note: { type: ['string', 'null'] },
      }),
    );
    const report = await loadWith(paths, { migrates: true, retriesRejected: true });
    expect(report.migrated).toEqual([{ entity: 'sponsors', retyped: ['ref', 'deals'], rejected: 3 }]);
    expect(await contentOf(paths)).toEqual(await contentOf(await loadFromScratch(paths)));
    expect((await loadWith(paths)).status).toBe('unchanged');
  });
});
