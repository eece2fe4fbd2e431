import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Grace } from '../../src/config/grace.ts';

/** Counts how often the process would have ended. */
function graceOf(ms: number) {
  const ended = { times: 0 };
  const grace = new Grace(ms, () => {
    ended.times += 1;
  });
  return { grace, ended };
}

describe('the time after Ctrl-C', () => {
  it('ends, and with it the process', async () => {
    const { grace, ended } = graceOf(20);
    grace.begin();
    expect(ended.times).toBe(0);
    await delay(80);
    expect(ended.times).toBe(1);
  });

  it('does not cut off work that must not be interrupted, nor the last output', async () => {
    const { grace, ended } = graceOf(20);
    const work = grace.toTheEnd(delay(100, 'put back'));
    grace.begin();
    expect(await work).toBe('put back');
    expect(ended.times).toBe(0);
    await delay(2200);
    expect(ended.times).toBe(1);
  });
});
