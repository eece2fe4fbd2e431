import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cut } from '../../src/ingest/lines.ts';
import { type Bench, expectedOutcome, openBench, outcomeOf } from './reference.ts';

/** Values as they occur in real files: mostly valid, sometimes of another type, an edge case, or missing. */
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

/** Writes a value in an unusual JSON notation: with whitespace, escaped keys, or numbers in other notations. */
function awkward(value: unknown, style: number, cut: Cut): string {
  const plain = JSON.stringify(value, undefined, style % 3 === 0 && cut === 'by structure' ? 1 : undefined);
  if (style % 5 === 1) return plain.replaceAll('"user_id":', '"\\u0075ser_id":');
  if (style % 5 === 2) return plain.replace(/:(\d{1,6})(?=[,}\]\n])/g, ':$1.0');
  if (style % 5 === 3) return plain.replace(/:(\d+)(?=[,}\]\n])/g, ' :\t$1e0');
  return plain;
}

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
afterAll(() => bench.close());

describe('load', () => {
  it.each([
    ['events', 'by structure', event],
    ['users', 'by structure', user],
    ['events', 'by line', event],
    ['users', 'by line', user],
  ] as const)(
    'validates random %s, split %s, as ajv does, and reads the values that JSON.parse does',
    async (entity, cut, arbitrary) => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(arbitrary, fc.nat(29)), { minLength: 1, maxLength: 60 }),
          async (records) => {
            const texts = records.map(([value, style]) => awkward(value, style, cut));
            const contract = bench.contract(entity);
            const file = { entity, name: `${entity}.json`, content: `[${texts.join(',\n')}]` };
            const { counts, cut: used, ...outcome } = await outcomeOf(bench, contract, file, cut);
            expect(used).toBe(cut);
            expect(outcome).toEqual(expectedOutcome(contract, texts));
            expect(counts.read).toBe(texts.length);
          },
        ),
        { numRuns: 60 },
      );
    },
    120_000,
  );
});
