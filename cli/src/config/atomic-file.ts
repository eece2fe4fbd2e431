import { open, rename, writeFile } from 'node:fs/promises';

/** Writes a small file atomically: it is complete or absent, whatever happens. */
export async function writeAtomically(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, text);
  const file = await open(temporary, 'r+');
  try {
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}
