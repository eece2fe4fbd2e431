import { open, rename, writeFile } from 'node:fs/promises';

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
