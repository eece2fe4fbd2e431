import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeAtomically } from '../config/atomic-file.ts';
import { hasCode } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import { engineEnvironment } from './process.ts';
import { inputsDigest, type ProjectInputs, projectInputsSchema } from './project-inputs.ts';

/** The inputs of the last full build that passed. */
const stampSchema = z.object({
  version: z.literal(2),
  /** Where the project was read from, as reported by the engine after that build. */
  inputs: projectInputsSchema,
  /** A hash over all inputs. */
  digest: z.string(),
  /** The newest batch in the raw tables. */
  batch: z.string().nullable(),
});
type BuiltStamp = z.infer<typeof stampSchema>;

type Environment = Readonly<Record<string, string | undefined>>;

const stampFile = (paths: Paths): string => join(paths.local, 'built.json');

/** Taken before a build, so that files saved during the build don't count as built. */
export interface BeforeBuild {
  readonly startedAt: number;
  /** The current digest of the last stamp's inputs; undefined if there is no stamp. */
  readonly known: { readonly stamp: BuiltStamp; readonly digest: string } | undefined;
}

/** Reads the last stamp and hashes its inputs as they are now. */
export async function beforeBuild(paths: Paths, env: Environment): Promise<BeforeBuild> {
  // Compared with modification times of files, so it can't come from the effects' clock.
  const startedAt = Date.now();
  const stamp = await readStamp(paths);
  if (stamp === undefined) return { startedAt, known: undefined };
  const { digest } = await inputsDigest(stamp.inputs, paths, ownEnvironment(paths, env));
  return { startedAt, known: { stamp, digest } };
}

/** The inputs of the last build that passed, if known. */
export async function lastInputs(paths: Paths): Promise<ProjectInputs | undefined> {
  return (await readStamp(paths))?.inputs;
}

/** Whether a build would produce exactly what already exists. */
export const isBuiltFrom = ({ known }: BeforeBuild, batch: string | null): boolean =>
  known !== undefined && known.stamp.digest === known.digest && known.stamp.batch === batch;

/** Removes the stamp. Call it before a build, so that a build that fails or is interrupted is repeated. */
export async function forgetBuilt(paths: Paths): Promise<void> {
  await rm(stampFile(paths), { force: true });
}

/** Removes what the engine knows of the last run of each local node: the next build runs all of them. */
export async function forgetNodes(paths: Paths): Promise<void> {
  await rm(join(paths.local, 'build-state.dev.json'), { force: true });
}

/**
 * Writes a stamp for a build that passed if its inputs are certain: their digest was computed before the build, or none of them
 * was touched since it started.
 */
export async function rememberBuilt(
  paths: Paths,
  env: Environment,
  before: BeforeBuild,
  inputs: ProjectInputs | undefined,
  batch: string | null,
): Promise<void> {
  if (inputs === undefined || !inputs.repeatable) return;
  const now = await inputsDigest(inputs, paths, ownEnvironment(paths, env));
  const seenBefore = before.known?.digest === now.digest;
  if (seenBefore || now.newest < before.startedAt - CLOCK_SLACK_MS) {
    const stamp: BuiltStamp = { version: 2, inputs, digest: now.digest, batch };
    await writeAtomically(stampFile(paths), JSON.stringify(stamp));
  }
}

/** File systems use a coarse clock, which may lag slightly behind (milliseconds). */
export const CLOCK_SLACK_MS = 100;

/** The engine's environment. */
const ownEnvironment = (paths: Paths, env: Environment): Environment => ({ ...env, ...engineEnvironment(paths) });

async function readStamp(paths: Paths): Promise<BuiltStamp | undefined> {
  try {
    const stamp = stampSchema.safeParse(JSON.parse(await readFile(stampFile(paths), 'utf8')));
    return stamp.success ? stamp.data : undefined;
  } catch (error) {
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
