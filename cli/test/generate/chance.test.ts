import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  amsterdamInstant,
  amsterdamOffset,
  dayNumber,
  isoDate,
  weekdayOf,
} from '../../src/generate/chance/calendar.ts';
import { exp, ln, power } from '../../src/generate/chance/exact-math.ts';
import { hash, hashPair, Random, Weighted } from '../../src/generate/chance/random.ts';
import { JsonArrayFile } from '../../src/generate/output/json-array-file.ts';
import { temporaryFolder } from '../support/effects.ts';

describe('the portable logarithm and exponential', () => {
  it('agree with Math.log and Math.exp to thirteen digits', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e-9, max: 1e9, noNaN: true }),
        fc.double({ min: -30, max: 30, noNaN: true }),
        (x, y) => {
          expect(Math.abs(ln(x) - Math.log(x))).toBeLessThan(1e-13 * Math.max(1, Math.abs(Math.log(x))));
          expect(Math.abs(exp(y) / Math.exp(y) - 1)).toBeLessThan(1e-13);
        },
      ),
    );
    expect(power(2, 10)).toBeCloseTo(1024, 9);
  });
});

describe('local time in Amsterdam', () => {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: 'Europe/Amsterdam',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const shown = (instant: number): string => {
    const parts = new Map(format.formatToParts(instant).map(({ type, value }) => [type, value]));
    return `${parts.get('year')}-${parts.get('month')}-${parts.get('day')} ${parts.get('hour')}:${parts.get('minute')}`;
  };

  it('has the UTC offset of the time zone database', () => {
    const instants = fc.integer({ min: Date.UTC(2008, 0), max: Date.UTC(2030, 0) });
    fc.assert(
      fc.property(instants, (instant) => {
        const shifted = new Date(instant + amsterdamOffset(instant)).toISOString().slice(0, 16).replace('T', ' ');
        expect(shown(instant)).toBe(shifted);
      }),
      { numRuns: 500 },
    );
  });

  it('converts to the right instant on any day, in summer and in winter', () => {
    fc.assert(
      fc.property(fc.integer({ min: dayNumber(2008, 1, 1), max: dayNumber(2030, 1, 1) }), (day) => {
        expect(shown(amsterdamInstant(day, 18 * 60 + 30))).toBe(`${isoDate(day)} 18:30`);
      }),
    );
    expect(weekdayOf(dayNumber(2026, 11, 23))).toBe(0);
  });
});

describe('the random generator', () => {
  it('produces the same numbers for the same keys only', () => {
    const draws = (...keys: number[]): number[] => {
      const random = new Random(...keys);
      return Array.from({ length: 5 }, () => random.next());
    };
    expect(draws(1, 2, 3)).toEqual(draws(1, 2, 3));
    expect(draws(1, 2, 3)).not.toEqual(draws(1, 3, 2));
    expect(draws(1, 2)).not.toEqual(draws(1, 2, 0));
    expect(hash(123, 456)).toBe(hashPair(123, 456));
  });

  it('is uniformly distributed, even over consecutive keys', () => {
    const firsts = Array.from({ length: 20_000 }, (_, i) => new Random(7, i).next());
    const mean = firsts.reduce((sum, value) => sum + value, 0) / firsts.length;
    expect(mean).toBeCloseTo(0.5, 1);
    for (let tenth = 0; tenth < 10; tenth += 1) {
      const inside = firsts.filter((value) => Math.floor(value * 10) === tenth).length;
      expect(inside / firsts.length).toBeGreaterThan(0.09);
      expect(inside / firsts.length).toBeLessThan(0.11);
    }
  });

  it('draws items in proportion to their weights', () => {
    const random = new Random(1);
    const weighted = new Weighted([1, 0, 3]);
    const counts = [0, 0, 0];
    for (let i = 0; i < 20_000; i += 1) {
      const drawn = weighted.draw(random);
      counts[drawn] = (counts[drawn] ?? 0) + 1;
    }
    expect(counts[1]).toBe(0);
    expect((counts[2] ?? 0) / (counts[0] ?? 1)).toBeCloseTo(3, 0);
  });
});

describe('a file with one JSON array', () => {
  it('is an empty array without records', async () => {
    const path = join(await temporaryFolder(), 'none.json');
    expect(new JsonArrayFile(path).close()).toMatchObject({ records: 0, bytes: 3 });
    expect(readFileSync(path, 'utf8')).toBe('[]\n');
  });

  it('is complete for any buffer size, even if a record is larger than the buffer', async () => {
    const folder = await temporaryFolder();
    let number = 0;
    fc.assert(
      fc.property(
        fc.array(fc.string({ maxLength: 300, unit: 'binary' })),
        fc.integer({ min: 8, max: 500 }),
        (texts, buffer) => {
          number += 1;
          const path = join(folder, `${number}.json`);
          const file = new JsonArrayFile(path, buffer);
          for (const text of texts) file.add(JSON.stringify(text));
          const { bytes, records } = file.close();
          expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(texts);
          expect({ bytes, records }).toEqual({ bytes: readFileSync(path).length, records: texts.length });
        },
      ),
    );
  });
});
