import { appendFileSync, existsSync, statSync, truncateSync } from 'node:fs';

/** A log that grew beyond this starts anew (bytes). */
const LARGEST_LOG = 5_000_000;

/** Empties a log that has grown too long, before what is to be logged begins. */
export function cutLog(path: string): void {
  if (existsSync(path) && statSync(path).size > LARGEST_LOG) truncateSync(path);
}

/**
 * Appends to a log that only its owner may read. What can't be written, as on a full disk, is left out: no log is worth
 * the work that it tells of.
 */
export function logFile(path: string): (text: string | Uint8Array) => void {
  return (text) => {
    try {
      appendFileSync(path, text, { mode: 0o600 });
    } catch {
      // There is nowhere to say so.
    }
  };
}
