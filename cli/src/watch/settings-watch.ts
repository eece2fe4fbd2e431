import { unwatchFile, watchFile } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Paths } from '../config/paths.ts';
import { SETTINGS_FILE } from '../config/project/settings.ts';

/** How often meetup.yml is looked at (milliseconds). It is one file, so this needs no events. */
const INTERVAL_MS = 300;

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
  watchFile(file, { interval: INTERVAL_MS }, look);
  // It may have changed since it was read.
  look();
  return () => unwatchFile(file, look);
}
