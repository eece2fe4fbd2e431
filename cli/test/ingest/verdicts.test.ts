import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { resolvePaths } from '../../src/config/paths.ts';
import type { EntityName } from '../../src/ingest/entities.ts';
import { type BatchStamp, type Cut, loadFile } from '../../src/ingest/load-file.ts';
import { createRawTables } from '../../src/ingest/raw-tables.ts';
import { type Judge, readJudges } from '../../src/ingest/schemas.ts';
import { DuckDbWarehouse } from '../../src/warehouse/duckdb.ts';
import { temporaryFolder } from '../support/effects.ts';

let judges: Readonly<Record<EntityName, Judge>>;
beforeAll(async () => {
  judges = await readJudges(resolvePaths({}, {}, process.cwd()).schemas);
});

const batch: BatchStamp = { id: 'b', seq: 1, droppedOn: '2026-01-01', loadedAt: '2026-01-01 00:00:00.000' };

/** Values as files really have them: mostly right, sometimes of another kind, at an edge, or missing. */
const odd = fc.oneof(
  fc.constantFrom(
    null,
    true,
    false,
    '',
    '7',
    '1.5',
    0,
    -0,
    -1,
    1.5,
    2,
    1e3,
    2 ** 53,
    2 ** 53 - 1,
    1e20,
    4102444799999,
    4102444800000,
  ),
  fc.constantFrom([], {}, [null], [7], ['x'], [{}], [[]]),
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  fc.constantFrom(
    '"when":',
    'a\\b',
    '{"user_id": "1"}',
    'line\nbreak',
    '\u0000',
    '☕🦀',
    'קפה',
    'u0075ser',
    '}',
    ', 5',
  ),
);
const mostly = <T>(right: fc.Arbitrary<T>): fc.Arbitrary<T | unknown> =>
  fc.oneof({ weight: 12, arbitrary: right }, { weight: 1, arbitrary: odd });
const id = mostly(fc.integer({ min: 1, max: 9_000_000 }));
const moment = mostly(fc.integer({ min: 0, max: 4_102_444_799_999 }));
const text = mostly(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }));
const event = fc.record(
  {
    group_id: id,
    name: text,
    description: text,
    created: moment,
    time: moment,
    duration: moment,
    rsvp_limit: id,
    venue_id: id,
    status: text,
    rsvps: mostly(
      fc.array(
        mostly(
          fc.record(
            {
              user_id: id,
              when: moment,
              response: mostly(fc.constantFrom('yes', 'no', 'waitlist')),
              guests: mostly(fc.constantFrom(0, 1, null)),
            },
            { requiredKeys: ['user_id', 'when'] },
          ),
        ),
        { maxLength: 4 },
      ),
    ),
    extra: odd,
  },
  { requiredKeys: ['group_id', 'created', 'time'] },
);
const user = fc.record(
  {
    user_id: id,
    city: text,
    country: mostly(fc.constantFrom('nl', 'BE', 'de')),
    hometown: text,
    memberships: mostly(fc.array(mostly(fc.record({ joined: moment, group_id: id })), { maxLength: 4 })),
  },
  { requiredKeys: ['user_id'] },
);

/** Writes the same value as awkwardly as JSON allows: white space, escaped keys, numbers in other notations. */
function awkward(value: unknown, style: number, cut: Cut): string {
  const plain = JSON.stringify(value, undefined, style % 3 === 0 && cut === 'by structure' ? 1 : undefined);
  if (style % 5 === 1) return plain.replaceAll('"user_id":', '"\\u0075ser_id":');
  if (style % 5 === 2) return plain.replace(/:(\d{1,6})(?=[,}\]\n])/g, ':$1.0');
  if (style % 5 === 3) return plain.replace(/:(\d+)(?=[,}\]\n])/g, ' :\t$1e0');
  return plain;
}

async function load(
  entity: EntityName,
  texts: readonly string[],
  cut: Cut = 'by structure',
): Promise<{ rejected: unknown[]; loaded: unknown[] }> {
  const warehouse = await DuckDbWarehouse.inMemory();
  try {
    await createRawTables(warehouse);
    const path = join(await temporaryFolder(), `${entity}.json`);
    await writeFile(path, `[${texts.join(',\n')}]`);
    const file = { entity, path, sourceFile: `${entity}.json` };
    const counts = await loadFile(warehouse, file, batch, judges[entity], cut);
    expect(counts.read).toBe(texts.length);
    const rejected = await warehouse.query('select _record_index, reasons from raw.rejected_records order by 1');
    const loaded = await warehouse.query(
      `select _record_index, to_json(struct_pack(*columns(c -> c not like '\\_%' escape '\\')))::varchar, _source_file, _batch_id from raw.${entity} order by 1`,
    );
    return { rejected: [...rejected.rows], loaded: [...loaded.rows] };
  } finally {
    await warehouse.close();
  }
}

/** The record as the raw table holds it: known fields only, what is missing as null. */
function projected(value: unknown, like: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (Array.isArray(like) && Array.isArray(value)) return value.map((item) => projected(item, like[0]));
  if (typeof like === 'object' && like !== null && !Array.isArray(like)) {
    const fields = new Map(Object.entries(value));
    return Object.fromEntries(Object.entries(like).map(([key, inner]) => [key, projected(fields.get(key), inner)]));
  }
  return Object.is(value, -0) ? 0 : value;
}

const shapes = {
  events: {
    group_id: 0,
    name: '',
    description: '',
    created: 0,
    time: 0,
    duration: 0,
    rsvp_limit: 0,
    venue_id: 0,
    status: '',
    rsvps: [{ user_id: 0, when: 0, response: '', guests: 0 }],
  },
  users: { user_id: 0, city: '', country: '', hometown: '', memberships: [{ joined: 0, group_id: 0 }] },
};

describe('the quick check and ajv', () => {
  it.each([
    ['events', 'by structure', event],
    ['users', 'by structure', user],
    ['events', 'by line', event],
    ['users', 'by line', user],
  ] as const)(
    'give every record of %s, cut %s, the same verdict, and the values that JSON.parse gives',
    async (entity, cut, arbitrary) => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(arbitrary, fc.nat(29)), { minLength: 1, maxLength: 60 }),
          async (records) => {
            const texts = records.map(([value, style]) => awkward(value, style, cut));
            const parsed: unknown[] = texts.map((record) => JSON.parse(record));
            const reasons = parsed.map((value) => judges[entity](value));
            const { rejected, loaded } = await load(entity, texts, cut);
            expect(rejected).toEqual(reasons.flatMap((told, i) => (told.length > 0 ? [[i, told]] : [])));
            const kept = parsed.flatMap((value, i) =>
              reasons[i]?.length === 0 ? [[i, projected(value, shapes[entity])]] : [],
            );
            expect(loaded.map((row) => (Array.isArray(row) ? [row[0], JSON.parse(String(row[1]))] : row))).toEqual(
              kept,
            );
            for (const row of loaded) expect(Array.isArray(row) ? row.slice(2) : row).toEqual([`${entity}.json`, 'b']);
          },
        ),
        { numRuns: 60 },
      );
    },
    120_000,
  );

  it('take the last of two equal keys, as JSON.parse does', async () => {
    const texts = [
      '{"group_id":1,"name":"n","created":1,"time":2,"rsvps":[{"user_id":1,"when":3,"response":"no","user_id":9}]}',
    ];
    const { loaded } = await load('events', texts);
    expect(JSON.parse(String((loaded[0] as unknown[])[1])).rsvps).toEqual([
      { user_id: 9, when: 3, response: 'no', guests: null },
    ]);
  });
});
