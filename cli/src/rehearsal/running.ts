import { readFile } from 'node:fs/promises';
import { hasCode } from '../config/errors.ts';
import { isAlive } from '../config/processes.ts';
import type { RehearsalPlaces } from './places.ts';
import { readJson } from './supervisor/files.ts';
import { type Running, runningSchema } from './supervisor/launch.ts';

/** The state file of a rehearsal whose background process is alive, although it may not answer. */
export async function readRunning(places: RehearsalPlaces): Promise<Running | undefined> {
  const running = await readJson(places.stateFile, runningSchema);
  return running !== undefined && isAlive(running.pid) ? running : undefined;
}

/** The clients' access token; undefined if there is none. */
export async function tokenOf(places: RehearsalPlaces): Promise<string | undefined> {
  try {
    return (await readFile(places.tokenFile, 'utf8')).trim();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
