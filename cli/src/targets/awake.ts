import { setTimeout as delay } from 'node:timers/promises';
import type { Effects } from '../config/effects.ts';
import { InterruptedError, MeetupError, messageOf } from '../config/errors.ts';

/** A classic warehouse takes some minutes to start (milliseconds). */
const PATIENCE_MS = 600_000;
const EVERY_MS = 5000;

/** The errors of a warehouse that is starting or overloaded: the driver (2.1.0) gives up at once when it opens a session. */
const STARTING = new Set([429, 502, 503, 504]);
const NOT_YET = /TEMPORARILY_UNAVAILABLE|has not been initialized|warehouse is (starting|resuming)/i;

/**
 * Retries while the warehouse reports that it is not ready yet.
 * @throws any other error at once; InterruptedError when the signal is aborted.
 */
export async function untilAwake<T>(
  attempt: () => Promise<T>,
  { signal, reporter, clock }: Effects,
  { everyMs = EVERY_MS, patienceMs = PATIENCE_MS }: { everyMs?: number; patienceMs?: number } = {},
): Promise<T> {
  const started = clock.elapsed();
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!isNotYet(error) || clock.elapsed() - started > patienceMs) throw error;
    }
    if (signal.aborted) throw new InterruptedError();
    reporter.progress('waiting for the warehouse to start');
    await delay(everyMs, undefined, { signal }).catch(() => {
      throw new InterruptedError();
    });
  }
}

function isNotYet(error: unknown): boolean {
  const cause = error instanceof MeetupError ? error.cause : error;
  const status = cause instanceof Error && 'statusCode' in cause ? cause.statusCode : undefined;
  return (typeof status === 'number' && STARTING.has(status)) || NOT_YET.test(messageOf(error));
}
