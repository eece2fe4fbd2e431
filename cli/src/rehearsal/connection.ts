import type { Effects } from '../config/effects.ts';
import { MeetupError } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import { connectionOf, type RehearsalConnection } from './connection-of.ts';
import { rehearsalPlaces } from './places.ts';
import { readRunning, tokenOf } from './running.ts';
import { startRehearsal } from './up.ts';

export type { RehearsalConnection } from './connection-of.ts';

/**
 * How to reach the running rehearsal. With `start`, one is started if none is running.
 * @throws MeetupError if none is running.
 */
export async function rehearsalConnection(
  paths: Paths,
  effects: Effects,
  options: { start?: boolean } = {},
): Promise<RehearsalConnection> {
  const places = rehearsalPlaces(paths);
  if (options.start) await startRehearsal(paths, effects);
  const running = await readRunning(places);
  const token = await tokenOf(places);
  if (running === undefined || token === undefined) {
    throw new MeetupError('The rehearsal warehouse is not running: start it with `./meetup rehearsal up`.');
  }
  return connectionOf(places, running, token);
}
