import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { chmod, mkdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Effects } from '../config/effects.ts';
import { InterruptedError, MeetupError } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import { withLock } from '../warehouse/lock.ts';
import { answers } from './ask.ts';
import { type RehearsalPlaces, rehearsalPlaces } from './places.ts';
import { endProcesses, processLives } from './process.ts';
import { provisionSpark } from './provision/provision.ts';
import { writtenDown } from './running.ts';
import { readJson, writeSecretly } from './supervisor/files.ts';
import { type Launch, type Running, runningSchema } from './supervisor/launch.ts';
import { cutLog } from './supervisor/log-file.ts';

/** How long a session may be idle before it is closed (milliseconds). */
const IDLE_MS = 30 * 60_000;

/**
 * Starts the rehearsal, unless it runs and answers. What is left of one that crashed is ended first.
 * @returns whether it had to be started.
 */
export async function startRehearsal(paths: Paths, effects: Effects): Promise<{ running: Running; started: boolean }> {
  const places = rehearsalPlaces(paths);
  return withRehearsalLock(paths, places, effects, async () => {
    const present = await writtenDown(places);
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
      idleMs: IDLE_MS,
    };
    await mkdir(places.conf, { recursive: true, mode: 0o700 });
    await writeSecretly(places.launchFile, JSON.stringify(launch));
    try {
      return { running: await start(places, launch, effects), started: true };
    } catch (error) {
      await endProcesses(places);
      throw error;
    }
  });
}

/** One process at a time starts or ends a rehearsal, whoever works on the databases meanwhile. */
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
  throw new MeetupError(`MEETUP_REHEARSAL_MEMORY takes a size such as 2g or 1500m, and is '${memory}'.`);
}

/** Starts the background process, and waits until all of it answers. */
async function start(places: RehearsalPlaces, launch: Launch, effects: Effects): Promise<Running> {
  const started = effects.clock.elapsed();
  const pid = spawnSupervisor(places, effects);
  for (;;) {
    if (effects.signal.aborted) throw new InterruptedError();
    const running = await readJson(places.stateFile, runningSchema);
    if (running?.run === launch.run && (await answers(places, running))) return running;
    if (!processLives(pid)) throw await notStarted(places);
    effects.reporter.progress(`Starting Spark … ${Math.round((effects.clock.elapsed() - started) / 1000)} s`);
    await delay(100);
  }
}

function spawnSupervisor(places: RehearsalPlaces, { env }: Effects): number {
  for (const log of [places.gatewayLog, places.sparkLog]) cutLog(log);
  const log = openSync(places.gatewayLog, 'a', 0o600);
  try {
    const child = spawn(process.execPath, [...supervisorCommand(), places.launchFile], {
      cwd: places.folder,
      detached: true,
      env: { ...env },
      stdio: ['ignore', log, log],
    });
    child.on('error', () => undefined);
    child.unref();
    return child.pid ?? 0;
  } finally {
    closeSync(log);
  }
}

/** Compiled, Node runs it as it is; as TypeScript, in tests, it needs a loader. */
function supervisorCommand(): string[] {
  const isSource = import.meta.url.endsWith('.ts');
  const main = fileURLToPath(new URL(`./supervisor/main.${isSource ? 'ts' : 'js'}`, import.meta.url));
  if (!isSource) return [main];
  const loader = createRequire(import.meta.url).resolve('tsx');
  return ['--import', pathToFileURL(loader).href, main];
}

async function notStarted(places: RehearsalPlaces): Promise<MeetupError> {
  const lines = (await readFile(places.gatewayLog, 'utf8')).trim().split('\n');
  const last = lines.at(-1)?.replace(/^\S+Z /, '') ?? '';
  return new MeetupError(`The rehearsal does not start (${last.slice(0, 400)}): ${places.sparkLog} says more.`);
}
