import { watch } from 'chokidar';

/** The system's events of one folder, until it is closed. */
export interface FolderEvents {
  close(): void;
}

export interface FolderListener {
  /** Something in the folder changed. @param name of the file or subfolder, or null if the system did not say. */
  readonly onEvent: (name: string | null) => void;
  /** From now on the system reports events. */
  readonly onReady: () => void;
  /** No more events will come, such as ENOSPC when all inotify watches are used up. */
  readonly onError: (error: unknown) => void;
}

/**
 * Listens to one folder with chokidar, whose error handling and workarounds per platform are kept. Only its raw events are
 * used, and everything inside the folder is ignored: which files changed is found by comparing, not by trusting events.
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
