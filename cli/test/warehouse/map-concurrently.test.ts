import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { mapConcurrently } from '../../src/warehouse/map-concurrently.ts';

describe('mapConcurrently', () => {
  it('keeps the order of the items', async () => {
    expect(
      await mapConcurrently([30, 1, 20, 2, 10, 3], async (ms) => {
        await delay(ms);
        return ms;
      }),
    ).toEqual([30, 1, 20, 2, 10, 3]);
  });

  it('starts nothing after a failure, and fails once the running work has ended', async () => {
    const begun: number[] = [];
    const ended: number[] = [];
    const work = mapConcurrently([0, 1, 2, 3, 4, 5, 6, 7], async (item) => {
      begun.push(item);
      await delay(item === 0 ? 1 : 30);
      if (item === 0) throw new Error('refused');
      ended.push(item);
    });
    await expect(work).rejects.toThrow('refused');
    expect(begun).toEqual([0, 1, 2, 3]);
    expect(ended).toEqual([1, 2, 3]);
    await delay(40);
    expect(begun).toHaveLength(4);
  });
});
