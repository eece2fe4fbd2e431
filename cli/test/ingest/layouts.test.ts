import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cut, LONGEST_LINE } from '../../src/ingest/lines.ts';
import { LARGE } from '../../src/ingest/load-file.ts';
import { LARGEST_RECORD } from '../../src/ingest/loading.ts';
import { type Bench, expectedOutcome, type Outcome, openBench, outcomeOf } from './reference.ts';

/*
 * Random files in every layout, with sizes on both sides of each limit in the code. MEETUP_INGEST_RUNS sets how many to try,
 * MEETUP_INGEST_SEED which ones, and MEETUP_INGEST_HUGE=1 adds sizes around the limit of a record.
 */
const runs = Number(process.env.MEETUP_INGEST_RUNS ?? 40);
const seed = Number(process.env.MEETUP_INGEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const isHuge = process.env.MEETUP_INGEST_HUGE === '1';

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
afterAll(() => bench.close());

const entityNames = ['groups', 'users', 'venues', 'events'] as const;
type EntityName = (typeof entityNames)[number];
type Members = readonly (readonly [key: string, value: string])[];

/** A valid record of each entity, as the texts of its members. */
const PLAIN: Readonly<Record<EntityName, Members>> = {
  groups: [
    ['group_id', '7'],
    ['name', '"Rust"'],
    ['description', '"ü"'],
    ['created', '5'],
    ['lat', '52.5'],
    ['topics', '["a","b"]'],
  ],
  users: [
    ['user_id', '7'],
    ['hometown', '"A"'],
    ['country', '"nl"'],
    ['memberships', '[{"joined":5,"group_id":6},{"joined":7,"group_id":8}]'],
  ],
  venues: [
    ['venue_id', '7'],
    ['name', '"B"'],
    ['lat', '-1.25'],
    ['lon', '4'],
  ],
  events: [
    ['group_id', '7'],
    ['name', '"C"'],
    ['description', '"x"'],
    ['created', '5'],
    ['time', '6'],
    ['rsvps', '[{"user_id":1,"when":2,"response":"yes","guests":0}]'],
  ],
};
/** The property that is filled to bring a record to a given size. */
const PADDED = { groups: 'description', users: 'hometown', venues: 'city', events: 'description' };

/** Values that are JSON, valid or invalid according to the schema. */
const JSON_VALUES = [
  '7',
  'null',
  '"7"',
  '1.0',
  '1e3',
  '-0',
  '9007199254740993',
  'true',
  '[]',
  '{}',
  '"{"',
  '"a\\"b\\\\"',
  '"nan, NaN, ,]"',
  '{"user_id":1,"user_id":2,"x":[{}]}',
  '[{"joined":5,"x":"{","group_id":6,"joined":8}]',
  '[{"joined":5,"group_id":6,"\\u006aoined":9}]',
  '[{"user_id":1,"when":2,"response":"yes","x":{"when":3},"when":4}]',
];
/** Values that are not JSON but that DuckDB's parser accepts. */
const NOT_JSON = ['NaN', '-Infinity', 'inf', '[1,]', '{"a":1,}', '[{"user_id":NaN}]', '[{"joined":5,"group_id":6,},]'];

const key = fc.constantFrom(
  ...Object.values(PLAIN).flatMap((members) => members.map(([name]) => name)),
  'unlisted',
  'Name',
);
const change = fc.record({
  key,
  value: fc.oneof(
    { weight: 30, arbitrary: fc.constantFrom(...JSON_VALUES) },
    { weight: 1, arbitrary: fc.constantFrom(...NOT_JSON) },
  ),
  at: fc.nat(6),
  isEscaped: fc.boolean(),
});
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

/** The text of a record with additional members, some of them duplicates. */
function recordText(entity: EntityName, changes: readonly Change[], pad: number): string {
  const members = [...PLAIN[entity]];
  for (const { key: name, value, at, isEscaped } of changes) {
    const escaped = isEscaped ? `\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${name.slice(1)}` : name;
    members.splice(Math.min(at, members.length), 0, [escaped, value]);
  }
  if (pad > 0) members.push([PADDED[entity], `"${'y'.repeat(pad)}"`]);
  return `{${members.map(([name, value]) => `"${name}":${value}`).join(',')}}`;
}

/** The limits: the smallest file that is split by line, the longest line, the end of a buffer, the largest record. */
const LIMITS = [LARGE, LONGEST_LINE, 2 * LONGEST_LINE, ...(isHuge ? [LARGEST_RECORD] : [])];
const size = fc.oneof(
  { weight: 12, arbitrary: fc.constant(0) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom(...LIMITS), fc.integer({ min: -3, max: 3 }), fc.constantFrom('file', 'record'))
      .map(([limit, off, of]) => ({ bytes: limit + off, of })),
  },
);

/** The record with whitespace inside. */
const spread = (text: string): string => text.replace(':', ' :\n\t');

const LAYOUTS = {
  'array by line': (texts: readonly string[]) => `[\n${texts.join(',\n')}\n]\n`,
  'array on one line': (texts: readonly string[]) => `[${texts.join(',')}]`,
  'array with commas in front': (texts: readonly string[]) => `[${texts.join('\n,')}]`,
  'array in pieces': (texts: readonly string[]) => `[\r\n${texts.map(spread).join(' ,\r\n')}\r\n]`,
  'array after a byte order mark': (texts: readonly string[]) => `\ufeff[\n${texts.join(',\n')}\n]\n`,
  'records by line': (texts: readonly string[]) => `${texts.join('\n')}\n`,
  'records by line without a final newline': (texts: readonly string[]) => texts.join('\n'),
  'records by line with Windows line endings': (texts: readonly string[]) =>
    texts.map((text) => `${text}\r\n`).join(''),
  'records with blank lines': (texts: readonly string[]) => `\n${texts.join('\n \n')}\n\n`,
} as const;
type Layout = keyof typeof LAYOUTS;
const layouts = Object.keys(LAYOUTS).filter((name): name is Layout => name in LAYOUTS);

function packed(text: string, members: number): Uint8Array {
  const bytes = Buffer.from(text);
  const step = Math.ceil(bytes.length / members);
  return Buffer.concat(
    Array.from({ length: members }, (_, i) => gzipSync(bytes.subarray(i * step, (i + 1) * step), { level: 1 })),
  );
}

/** The expected outcome of loading a file, or undefined if JSON.parse rejects one of its records. */
function expected(entity: EntityName, texts: readonly string[]): Outcome | undefined {
  try {
    return expectedOutcome(bench.contract(entity), texts);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

describe('a file of any layout and size', () => {
  it(
    'is loaded as JSON.parse and ajv would read it, and rejected if JSON.parse rejects it',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.record({
            entity: fc.constantFrom(...entityNames),
            records: fc.array(fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(change, { maxLength: 3 })), {
              minLength: 1,
              maxLength: 30,
            }),
            size,
            layout: fc.constantFrom(...layouts),
            members: fc.nat(3),
            cut: fc.constantFrom<(Cut | undefined)[]>(undefined, undefined, 'by line', 'by structure', 'by hand'),
          }),
          async ({ entity, records, size: wanted, layout, members, cut }) => {
            const texts = records.map((changes) => recordText(entity, changes, 0));
            if (wanted !== 0) {
              // The last record is padded so that it, or the whole file, has the wanted size.
              const [least, others] = [
                Buffer.byteLength(recordText(entity, [], 1)) - 1,
                LAYOUTS[layout]([...texts, '']).length,
              ];
              const pad = wanted.bytes - least - (wanted.of === 'file' ? others : 0);
              texts.push(recordText(entity, [], pad));
            }
            const text = LAYOUTS[layout](texts);
            const isPacked = members > 0 && cut !== 'by line';
            const name = `${entity}.${layout.startsWith('array') ? 'json' : 'ndjson'}${isPacked ? '.gz' : ''}`;
            const content = isPacked ? packed(text, members) : text;
            const loading = outcomeOf(bench, bench.contract(entity), { entity, name, content }, cut);
            const right = expected(entity, texts);
            if (right === undefined) {
              await expect(loading).rejects.toThrow(/is not JSON at line \d+, in record \d+: /);
              return;
            }
            if (
              texts.some((one) => Buffer.byteLength(layout === 'array in pieces' ? spread(one) : one) > LARGEST_RECORD)
            ) {
              await expect(loading).rejects.toThrow(/has a record of more than 32 MB/);
              return;
            }
            const { counts, cut: _, ...outcome } = await loading;
            expect(counts.read).toBe(texts.length);
            // Long strings are shortened to keep a failure readable.
            expect(short(outcome)).toEqual(short(right));
          },
        ),
        { numRuns: runs, seed, endOnFailure: isHuge },
      );
    },
    runs * 5000,
  );
});

/** The outcome with long strings replaced by their length. */
function short(outcome: Outcome): unknown {
  return JSON.parse(JSON.stringify(outcome), (_, value: unknown) =>
    typeof value === 'string' && value.length > 1000 ? `${value.length} × ${value.charAt(0)}` : value,
  );
}
