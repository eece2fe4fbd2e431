import { appendFileSync, existsSync, statSync, truncateSync } from 'node:fs';

/** A log larger than this is emptied (bytes). */
const LARGEST_LOG = 5_000_000;

/** Empties a log that has grown too large. */
export function cutLog(path: string): void {
  if (existsSync(path) && statSync(path).size > LARGEST_LOG) truncateSync(path);
}

/**
 * Appends to a log that only its owner may read. Write errors, for example on a full disk, are ignored: logging must not break
 * what it logs.
 */
export function logFile(path: string): (text: string | Uint8Array) => void {
  return (text) => {
    try {
      appendFileSync(path, text, { mode: 0o600 });
    } catch {
      // There is nowhere to report it.
    }
  };
}
