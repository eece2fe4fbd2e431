import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeAtomically } from '../config/atomic-file.ts';
import { hasCode } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';

/** What the last whole build that passed was made from. */
const stampSchema = z.object({
  /** One hash over the dbt project: {@link projectFingerprint}. */
  project: z.string(),
  /** The newest batch of the raw tables. */
  batch: z.string().nullable(),
});
export type BuiltStamp = z.infer<typeof stampSchema>;

const stampFile = (paths: Paths): string => join(paths.state, 'built.json');

/** Whether a build would make again exactly what is there. */
export async function isBuiltFrom(paths: Paths, now: BuiltStamp): Promise<boolean> {
  try {
    const last = stampSchema.safeParse(JSON.parse(await readFile(stampFile(paths), 'utf8')));
    return last.success && last.data.project === now.project && last.data.batch === now.batch;
  } catch (error) {
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError) return false;
    throw error;
  }
}

/** To be called before a build, so that one which is interrupted or fails is made again. */
export async function forgetBuilt(paths: Paths): Promise<void> {
  await rm(stampFile(paths), { force: true });
}

export async function rememberBuilt(paths: Paths, stamp: BuiltStamp): Promise<void> {
  await writeAtomically(stampFile(paths), JSON.stringify(stamp));
}
