import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Grace } from '../../src/config/grace.ts';

/** A grace period, and a count of how often it would have ended the process. */
function graceOf(ms: number) {
  const ended = { times: 0 };
  const grace = new Grace(ms, () => {
    ended.times += 1;
  });
  return { grace, ended };
}

describe('the grace period after Ctrl-C', () => {
  it('ends the process when it is over', async () => {
    const { grace, ended } = graceOf(20);
    grace.begin();
    expect(ended.times).toBe(0);
    await delay(80);
    expect(ended.times).toBe(1);
  });

  it('waits for work that must not be interrupted, and for the last output', async () => {
    const { grace, ended } = graceOf(20);
    const work = grace.toTheEnd(delay(100, 'put back'));
    grace.begin();
    expect(await work).toBe('put back');
    expect(ended.times).toBe(0);
    await delay(2200);
    expect(ended.times).toBe(1);
  });
});
