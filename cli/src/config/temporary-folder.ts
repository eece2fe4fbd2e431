import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MeetupError } from './errors.ts';
import { fileReason } from './file-errors.ts';

/**
 * Makes a new folder among the system's temporary files. The caller removes it.
 * @throws MeetupError that names the folder set by TMPDIR, if nothing can be created in it.
 */
export async function makeTemporaryFolder(prefix: string): Promise<string> {
  try {
    return await mkdtemp(join(tmpdir(), prefix));
  } catch (error) {
    throw noTemporaryFolder(error);
  }
}

/** The sentence for a temporary folder that can't be used; other errors are returned unchanged. */
export function noTemporaryFolder(error: unknown): unknown {
  const reason = fileReason(error);
  if (reason === undefined) return error;
  return new MeetupError(
    `The folder for temporary files, ${tmpdir()}, can't be used because ${reason}: set TMPDIR to a folder that exists and is writable.`,
    { cause: error },
  );
}
