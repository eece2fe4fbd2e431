import { unwatchFile, watchFile } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Paths } from '../config/paths.ts';
import { SETTINGS_FILE } from '../config/project/settings.ts';

/** How often meetup.yml is looked at (milliseconds). It is one file, so this needs no events. */
const INTERVAL_MS = 300;
/** It is read once it has stayed the same for longer than that: who saves it may empty it first, and an empty one is valid. */
const QUIET_MS = INTERVAL_MS + 100;

export interface SettingsWatch {
  /** Reads meetup.yml again. @throws MeetupError if it is wrong. */
  readonly reread: () => Paths;
  readonly onChange: (paths: Paths) => void;
  readonly onFault: (error: unknown) => void;
}

/** Calls back when meetup.yml says something else. @returns a function that stops this. */
export function watchSettings(paths: Paths, { reread, onChange, onFault }: SettingsWatch): () => void {
  const file = join(paths.root, SETTINGS_FILE);
  const look = (): void => {
    try {
      const now = reread();
      if (!isDeepStrictEqual(now, paths)) onChange(now);
    } catch (error) {
      onFault(error);
    }
  };
  let timer: NodeJS.Timeout | undefined;
  const changed = (): void => {
    clearTimeout(timer);
    timer = setTimeout(look, QUIET_MS);
  };
  watchFile(file, { interval: INTERVAL_MS }, changed);
  // It may have changed since it was read.
  changed();
  return () => {
    clearTimeout(timer);
    unwatchFile(file, changed);
  };
}
