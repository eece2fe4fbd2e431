import { randomBytes } from 'node:crypto';
import { chmod, mkdir, rm } from 'node:fs/promises';
import type { Effects } from '../config/effects.ts';
import { MeetupError } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import { withLock } from '../warehouse/lock.ts';
import { answers } from './ask.ts';
import { type RehearsalPlaces, rehearsalPlaces } from './places.ts';
import { endProcesses } from './process.ts';
import { provisionSpark } from './provision/provision.ts';
import { readRunning } from './running.ts';
import { writeSecretly } from './supervisor/files.ts';
import type { Launch, Running } from './supervisor/launch.ts';
import { spawnSupervisor } from './supervisor/spawn.ts';
import { untilItAnswers } from './until-it-answers.ts';

/** How long a session may be idle before it is closed (milliseconds). */
const IDLE_MS = 30 * 60_000;

/**
 * Starts the rehearsal unless one is running and answers. First ends what is left of a crashed one.
 * @returns whether it had to be started.
 */
export async function startRehearsal(paths: Paths, effects: Effects): Promise<{ running: Running; started: boolean }> {
  const places = rehearsalPlaces(paths);
  return withRehearsalLock(paths, places, effects, async () => {
    const present = await readRunning(places);
    if (present !== undefined && (await answers(places, present))) return { running: present, started: false };
    await endProcesses(places);
    await rm(places.stateFile, { force: true });
    const spark = await provisionSpark(paths, effects);
    const launch: Launch = {
      run: randomBytes(8).toString('hex'),
      state: paths.state,
      logs: paths.logs,
      java: spark.java.executable,
      classPath: [...spark.classPath],
      sparkHome: spark.home,
      memory: memoryOf(effects.env),
      javaOptions: javaOptionsOf(effects.env),
      idleMs: IDLE_MS,
    };
    await mkdir(places.conf, { recursive: true, mode: 0o700 });
    await writeSecretly(places.launchFile, JSON.stringify(launch));
    try {
      const pid = await spawnSupervisor(places, effects.env);
      return { running: await untilItAnswers(places, { run: launch.run, pid }, effects), started: true };
    } catch (error) {
      await endProcesses(places);
      throw error;
    }
  });
}

/** Lets only one process at a time start or stop a rehearsal. Independent of the lock on the databases. */
export async function withRehearsalLock<T>(
  paths: Paths,
  places: RehearsalPlaces,
  effects: Effects,
  work: () => Promise<T>,
): Promise<T> {
  await mkdir(places.folder, { recursive: true, mode: 0o700 });
  await chmod(places.folder, 0o700);
  await mkdir(paths.logs, { recursive: true });
  return withLock({ ...paths, state: places.folder }, effects, work);
}

function memoryOf(env: Effects['env']): string {
  const memory = env.MEETUP_REHEARSAL_MEMORY ?? '2g';
  if (/^\d+[mg]$/i.test(memory)) return memory;
  throw new MeetupError(`MEETUP_REHEARSAL_MEMORY takes a size such as 2g or 1500m, but got '${memory}'.`);
}

/** The options in MEETUP_REHEARSAL_JAVA_OPTIONS. @throws MeetupError for a word that is not an option. */
export function javaOptionsOf(env: Effects['env']): string[] {
  const options = (env.MEETUP_REHEARSAL_JAVA_OPTIONS ?? '').split(/\s+/).filter((option) => option !== '');
  const stranger = options.find((option) => !option.startsWith('-'));
  if (stranger === undefined) return options;
  throw new MeetupError(
    `MEETUP_REHEARSAL_JAVA_OPTIONS takes options that begin with -, separated by spaces, but got '${stranger}'.`,
  );
}
