import { access, constants, mkdir, open, rename, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MeetupError } from './errors.ts';
import { reasonOf } from './explain.ts';

/**
 * Writes a small file atomically: it is complete or absent, whatever happens.
 * @param mode who may read it, such as 0o600; by default, whoever the system lets.
 */
export async function writeAtomically(path: string, text: string, mode?: number): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, text, mode === undefined ? {} : { mode });
  const file = await open(temporary, 'r+');
  try {
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

/**
 * Makes sure before the work, not after it, that its report can be written. Creates the file's folder.
 * @param option the option that names the file.
 * @throws MeetupError if it can't be written.
 */
export async function requireWritable(file: string, option: string): Promise<void> {
  const advice = `choose another ${option}.`;
  try {
    await mkdir(dirname(file), { recursive: true });
    await access(dirname(file), constants.W_OK);
  } catch (error) {
    throw new MeetupError(`${file} can't be written (${reasonOf(error)}): ${advice}`, { cause: error });
  }
  const isFolder = await stat(file).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isFolder) throw new MeetupError(`${file} is a folder: ${advice}`);
}
