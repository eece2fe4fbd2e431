import { watch } from 'chokidar';

/** The operating system's events for one folder, until closed. */
export interface FolderEvents {
  close(): void;
}

export interface FolderListener {
  /** Something in the folder changed. @param name of the file or subfolder, or null if the system did not say. */
  readonly onEvent: (name: string | null) => void;
  /** Called once the system reports events. */
  readonly onReady: () => void;
  /** Called when no more events will come, for example with ENOSPC when all inotify watches are in use. */
  readonly onError: (error: unknown) => void;
}

/**
 * Listens to one folder with chokidar, for its error handling and platform workarounds. Only its raw events are used, and
 * everything inside the folder is ignored: changed files are found by comparing, not by trusting events.
 */
export function listenTo(folder: string, { onEvent, onReady, onError }: FolderListener): FolderEvents {
  const watcher = watch(folder, { depth: 0, ignoreInitial: true, ignored: (path) => path !== folder });
  watcher.on('raw', (_event, name) => onEvent(name || null));
  watcher.on('ready', onReady);
  watcher.on('error', (error) => {
    void watcher.close();
    onError(error);
  });
  return { close: () => void watcher.close() };
}
