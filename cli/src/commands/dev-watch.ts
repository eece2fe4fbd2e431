import type { Effects } from '../config/effects.ts';
import { InterruptedError, MeetupError } from '../config/errors.ts';
import { sentenceOf } from '../config/explain.ts';
import type { Paths } from '../config/paths.ts';
import { SETTINGS_FILE } from '../config/project/settings.ts';
import type { CommandResult } from '../config/result.ts';
import { lastInputs } from '../engine/built-stamp.ts';
import { EngineClient } from '../engine/client.ts';
import { tryLock } from '../warehouse/lock.ts';
import type { WatchEvent } from '../watch/events.ts';
import { WatchLoop } from '../watch/loop.ts';
import { watchSettings } from '../watch/settings-watch.ts';
import { watchProject } from '../watch/watcher.ts';
import { type DevOptions, type DevReport, devWith } from './dev.ts';

/** Requests from the keyboard. */
export type WatchKey = 'all' | 'tests' | 'failing' | 'again' | 'quit';

export interface DevWatchOptions extends DevOptions {
  readonly emit: (event: WatchEvent) => void;
  /** Called once with the result of the first load and build. */
  readonly started: (report: DevReport) => void;
  /** Calls back for each key until the returned function is called. */
  readonly keys: (press: (key: WatchKey) => void) => () => void;
  /** Reads meetup.yml again. */
  readonly reread: () => Paths;
}

export interface WatchReport {
  readonly builds: number;
}

/**
 * Loads and builds what is new, then keeps running and rebuilds and tests exactly what each change affects. If meetup.yml
 * changes, it starts again with the new settings.
 * @throws MeetupError if another `dev --watch` works on this state folder.
 */
export async function run(options: DevWatchOptions, effects: Effects): Promise<CommandResult<WatchReport>> {
  const lock = await tryLock(options.paths, 'watch');
  if ('heldBy' in lock) {
    const holder = lock.heldBy === undefined ? 'another process' : `process ${lock.heldBy}`;
    throw new MeetupError(
      `\`meetup dev --watch\` is already running in ${holder} on ${options.paths.state}: use that one, or start this one with another --state-dir.`,
    );
  }
  let builds = 0;
  const emit = (event: WatchEvent): void => {
    if (event.event === 'done') builds += 1;
    options.emit(event);
  };
  try {
    for (let paths: Paths | undefined = options.paths; paths !== undefined; ) {
      paths = await watchWith({ ...options, paths, emit }, effects);
    }
    return { exitCode: 0, report: { builds } };
  } finally {
    lock.release();
  }
}

async function watchWith(options: DevWatchOptions, effects: Effects): Promise<Paths | undefined> {
  const engine = new EngineClient(options.paths, effects, { shared: true });
  try {
    return await watch(engine, options, effects);
  } finally {
    await engine.close();
  }
}

/** @returns the paths to start again with; undefined if the user quits. */
async function watch(engine: EngineClient, options: DevWatchOptions, effects: Effects): Promise<Paths | undefined> {
  engine.warmUp().catch(() => undefined);
  const onFolders = (folders: readonly string[]): void => watcher.alsoWatch(folders);
  const loop = new WatchLoop(engine, { ...options, onFolders }, effects);
  // Watching starts before the first build, so that no save is missed.
  const early: string[] = [];
  let isReady = false;
  const watcher = watchProject(options.paths, (files) => (isReady ? loop.changed(files) : early.push(...files)), {
    onTrouble: (sentence) => effects.reporter.warn(sentence),
  });
  try {
    loop.startFrom(watcher.files);
    options.started((await devWith(engine, options, effects)).report);
    watcher.alsoWatch((await lastInputs(options.paths))?.folders ?? []);
    // If there was nothing to build, dbt has not read the project yet, and the first save would wait for that.
    engine.parse({ target: 'dev' }).catch(() => undefined);
    isReady = true;
    options.emit({ event: 'ready' });
    if (early.length > 0) loop.changed(early);
    return await untilQuit(loop, options, effects);
  } finally {
    watcher.close();
    await loop.settled();
  }
}

/**
 * Waits until the user quits, or meetup.yml changes.
 * @returns the paths according to the changed meetup.yml.
 * @throws InterruptedError at Ctrl-C.
 */
async function untilQuit(loop: WatchLoop, options: DevWatchOptions, effects: Effects): Promise<Paths | undefined> {
  const stops: (() => void)[] = [];
  try {
    return await new Promise((resolve, reject) => {
      const interrupt = (): void => reject(new InterruptedError());
      if (effects.signal.aborted) interrupt();
      effects.signal.addEventListener('abort', interrupt, { once: true });
      stops.push(
        () => effects.signal.removeEventListener('abort', interrupt),
        options.keys((key) => (key === 'quit' ? resolve(undefined) : loop.pressed(key))),
        watchSettings(options.paths, {
          reread: options.reread,
          onChange: (paths) => {
            effects.reporter.note(`${SETTINGS_FILE} changed: starting again with its settings.`);
            resolve(paths);
          },
          onFault: (error) =>
            effects.reporter.warn(`${sentenceOf(error)} Until it is corrected, the previous settings apply.`),
        }),
      );
    });
  } finally {
    for (const stop of stops) stop();
  }
}
