import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { minimise } from '../../src/test-new/ddmin.ts';

describe('delta debugging', () => {
  test('keeps exactly the needed items, in order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 60 }), fc.array(fc.nat(59), { maxLength: 8 }), async (size, picks) => {
        const items = Array.from({ length: size }, (_, index) => index);
        const needed = [...new Set(picks)].filter((pick) => pick < size).sort((a, b) => a - b);
        const kept = await minimise(items, async (rest) => needed.every((item) => rest.includes(item)));
        expect(kept).toEqual(needed);
      }),
    );
  });

  test('stops when no single item can be removed, even if a smaller result exists', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 7 }), async (size, divisor) => {
        const items = Array.from({ length: size }, (_, index) => index);
        const holds = async (rest: readonly number[]): Promise<boolean> =>
          rest.length > 0 && rest.length % divisor === size % divisor;
        const kept = await minimise(items, holds);
        expect(await holds(kept)).toBe(true);
        for (const item of kept)
          expect(await holds(kept.filter((other) => other !== item))).toBe(divisor === 1 && kept.length > 1);
      }),
    );
  });

  test('needs few checks to find a few items among many', async () => {
    let questions = 0;
    const items = Array.from({ length: 10_000 }, (_, index) => index);
    const kept = await minimise(items, async (rest) => {
      questions += 1;
      return [17, 4711, 9999].every((item) => rest.includes(item));
    });
    expect(kept).toEqual([17, 4711, 9999]);
    expect(questions).toBeLessThan(400);
  });

  test('stops when its time is up, with the best result so far', async () => {
    let questions = 0;
    const holds = async (rest: readonly number[]): Promise<boolean> => {
      questions += 1;
      return [1, 50, 99].every((item) => rest.includes(item));
    };
    const items = Array.from({ length: 100 }, (_, index) => index);
    const kept = await minimise(items, holds, { isSpent: () => questions > 10 });
    expect(kept.length).toBeGreaterThan(3);
    expect(await holds(kept)).toBe(true);
  });
});
