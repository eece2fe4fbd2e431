import { describe, expect, it } from 'vitest';
import { InterruptedError, MeetupError } from '../../src/config/errors.ts';
import { untilAwake } from '../../src/targets/awake.ts';
import { quietEffects } from '../support/effects.ts';

const unavailable = () =>
  new MeetupError("a.example.org can't be reached.", { cause: Object.assign(new Error('no'), { statusCode: 503 }) });

/** An action that only succeeds at this attempt. */
function wakingAt(last: number, error: () => Error) {
  const tries = { count: 0 };
  const attempt = async (): Promise<string> => {
    tries.count += 1;
    if (tries.count < last) throw error();
    return 'awake';
  };
  return { attempt, tries };
}

describe('a warehouse that is starting up', () => {
  it.each([
    ['reports that it is unavailable', unavailable],
    [
      'returns a session that is not initialised yet',
      () => new MeetupError('Session handle 1 has not been initialized'),
    ],
  ])('is waited for if it %s', async (_what, error) => {
    const { attempt, tries } = wakingAt(3, error);
    expect(await untilAwake(attempt, quietEffects(), { everyMs: 1 })).toBe('awake');
    expect(tries.count).toBe(3);
  });

  it('is not waited for indefinitely', async () => {
    const { attempt } = wakingAt(Number.POSITIVE_INFINITY, unavailable);
    await expect(untilAwake(attempt, quietEffects(), { everyMs: 1, patienceMs: 20 })).rejects.toThrow(
      "can't be reached",
    );
  });

  it('is not confused with rejected credentials', async () => {
    const { attempt, tries } = wakingAt(2, () => new MeetupError('a.example.org does not accept the credentials.'));
    await expect(untilAwake(attempt, quietEffects(), { everyMs: 1 })).rejects.toThrow('credentials');
    expect(tries.count).toBe(1);
  });

  it('is no longer waited for after Ctrl-C', async () => {
    const stop = new AbortController();
    const { attempt } = wakingAt(Number.POSITIVE_INFINITY, unavailable);
    const waiting = untilAwake(attempt, quietEffects({ signal: stop.signal }), { everyMs: 60_000 });
    setTimeout(() => stop.abort(), 20);
    await expect(waiting).rejects.toThrow(InterruptedError);
  });
});
