import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf } from '../config/errors.ts';
import { type Paths, projectRoot } from '../config/paths.ts';
import { contentOf, isWithin } from './project-files.ts';

/** Everything that a build reads apart from the raw tables; the engine reports it with each affected build. */
export const projectInputsSchema = z.object({
  /** Folders that dbt searches, of the project and its packages; absolute. */
  folders: z.array(z.string()),
  /** Files and folders that the configuration is read from; absolute, and not all of them need to exist. */
  files: z.array(z.string()),
  /** Names of environment variables that were read or would be refused. */
  environment: z.array(z.string()),
  /** False if the build depends on something that can't be compared without dbt, such as the database or the clock. */
  repeatable: z.boolean(),
});
export type ProjectInputs = z.infer<typeof projectInputsSchema>;

/** The files that dbt reads in the folders that it searches; the engine has the same rule (`project/files.py`). */
const READ_BY_DBT = /^[^.#~].*\.(sql|py|csv|md|yml|yaml)$/i;

/** The pinned versions of dbt and its adapters: others may build differently. */
const REQUIREMENTS = join(projectRoot, 'dbt', 'requirements.txt');

export interface InputsDigest {
  readonly digest: string;
  /** The latest modification time of any input, in epoch milliseconds. */
  readonly newest: number;
}

/** A hash over the contents of all inputs and the values of the variables, which are not kept. */
export async function inputsDigest(
  inputs: ProjectInputs,
  paths: Paths,
  env: Readonly<Record<string, string | undefined>>,
): Promise<InputsDigest> {
  const found = new Found();
  for (const folder of inputs.folders) await found.below(folder, paths);
  for (const file of [...inputs.files, REQUIREMENTS]) await found.file(file);
  const hash = createHash('sha256');
  for (const [name, part] of [...found.parts].sort(([a], [b]) => (a < b ? -1 : 1))) hash.update(`${name}\0${part}\0`);
  for (const name of inputs.environment) hash.update(`${name}\0${JSON.stringify(env[name] ?? null)}\0`);
  return { digest: hash.digest('hex'), newest: found.newest };
}

/** Hashes of files and folders by path. */
class Found {
  readonly parts = new Map<string, string>();
  newest = 0;

  /** Adds the files below a folder as dbt finds them: links to files are read, links to folders are not followed. */
  async below(folder: string, paths: Paths): Promise<void> {
    if (isWithin(folder, paths.state)) return;
    await this.#looked(folder, async () => {
      const entries = await readdir(folder, { withFileTypes: true });
      this.#touched(await stat(folder));
      for (const entry of entries) {
        const path = join(folder, entry.name);
        if (entry.isDirectory()) await this.below(path, paths);
        else if (READ_BY_DBT.test(entry.name)) await this.file(path);
      }
      return 'a folder';
    });
  }

  async file(path: string): Promise<void> {
    if (this.parts.has(path)) return;
    await this.#looked(path, async () => {
      const found = await stat(path);
      this.#touched(found);
      return found.isDirectory() ? (await readdir(path)).sort().join('\0') : contentOf(path);
    });
  }

  /** Includes read errors in the hash: here they only have to be the same, and the build reports them. */
  async #looked(path: string, look: () => Promise<string>): Promise<void> {
    this.parts.set(path, await look().catch((error: unknown) => messageOf(error)));
  }

  #touched({ mtimeMs, ctimeMs }: { mtimeMs: number; ctimeMs: number }): void {
    this.newest = Math.max(this.newest, mtimeMs, ctimeMs);
  }
}
