import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Effects } from '../config/effects.ts';
import { InterruptedError, MeetupError } from '../config/errors.ts';
import { isAlive } from '../config/processes.ts';
import { whyNoAnswer } from './ask.ts';
import type { RehearsalPlaces } from './places.ts';
import { readJson } from './supervisor/files.ts';
import { type Running, runningSchema } from './supervisor/launch.ts';

/** The timeout for the whole start (milliseconds); longer than Spark's, so that a timeout of Spark is reported as such. */
const PATIENCE_MS = 240_000;

/**
 * Waits until a rehearsal answers.
 * @param start the id of this start, and its background process.
 * @throws MeetupError if that process ends or doesn't answer within four minutes; InterruptedError.
 */
export async function untilItAnswers(
  places: RehearsalPlaces,
  start: { readonly run: string; readonly pid: number },
  { clock, signal, reporter }: Effects,
): Promise<Running> {
  const started = clock.elapsed();
  let missing = 'Spark is not listening yet';
  for (;;) {
    if (signal.aborted) throw new InterruptedError();
    const running = await readJson(places.stateFile, runningSchema);
    if (running?.run === start.run) {
      const why = await whyNoAnswer(places, running);
      if (why === undefined) return running;
      missing = why.replace(/\.$/, '');
    }
    if (!isAlive(start.pid)) throw await notStarted(places);
    const waited = clock.elapsed() - started;
    if (waited > PATIENCE_MS) {
      throw new MeetupError(
        `The rehearsal has not answered after ${Math.round(waited / 1000)} s (${missing}): see ${places.sparkLog} and ${places.gatewayLog}.`,
      );
    }
    reporter.progress(`Starting Spark … ${Math.round(waited / 1000)} s`);
    await delay(100);
  }
}

async function notStarted(places: RehearsalPlaces): Promise<MeetupError> {
  const lines = (await readFile(places.gatewayLog, 'utf8')).trim().split('\n');
  const last = lines.at(-1)?.replace(/^\S+Z /, '') ?? '';
  return new MeetupError(`The rehearsal failed to start (${last.slice(0, 400)}): see ${places.sparkLog}.`);
}
