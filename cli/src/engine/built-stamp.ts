import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeAtomically } from '../config/atomic-file.ts';
import { hasCode } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import { engineEnvironment } from './process.ts';
import { inputsDigest, type ProjectInputs, projectInputsSchema } from './project-inputs.ts';

/** What the last whole build that passed was made from. */
const stampSchema = z.object({
  version: z.literal(2),
  /** Where the project was read from, as the engine said after that build. */
  inputs: projectInputsSchema,
  /** One hash over all of it. */
  digest: z.string(),
  /** The newest batch of the raw tables. */
  batch: z.string().nullable(),
});
type BuiltStamp = z.infer<typeof stampSchema>;

type Environment = Readonly<Record<string, string | undefined>>;

const stampFile = (paths: Paths): string => join(paths.state, 'built.json');

/** Taken before a build, so that what is saved while it runs isn't taken for built. */
export interface BeforeBuild {
  readonly startedAt: number;
  /** The digest of the inputs that the last stamp names; undefined if there is no stamp. */
  readonly known: { readonly stamp: BuiltStamp; readonly digest: string } | undefined;
}

/** Looks at everything that the last build was made from. */
export async function beforeBuild(paths: Paths, env: Environment): Promise<BeforeBuild> {
  // Compared with the times of files, so not the clock of the effects.
  const startedAt = Date.now();
  const stamp = await readStamp(paths);
  if (stamp === undefined) return { startedAt, known: undefined };
  const { digest } = await inputsDigest(stamp.inputs, paths, ownEnvironment(paths, env));
  return { startedAt, known: { stamp, digest } };
}

/** What the last build that passed was made from, where that is known. */
export async function lastInputs(paths: Paths): Promise<ProjectInputs | undefined> {
  return (await readStamp(paths))?.inputs;
}

/** Whether a build would make again exactly what is there. */
export const isBuiltFrom = ({ known }: BeforeBuild, batch: string | null): boolean =>
  known !== undefined && known.stamp.digest === known.digest && known.stamp.batch === batch;

/** To be called before a build, so that one which is interrupted or fails is made again. */
export async function forgetBuilt(paths: Paths): Promise<void> {
  await rm(stampFile(paths), { force: true });
}

/**
 * Keeps what a build that passed was made from, where that is certain: it was looked at before the build, or nothing of it
 * was touched since.
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

/** File systems take their times from a coarse clock, which may be a little behind (milliseconds). */
const CLOCK_SLACK_MS = 100;

/** The environment as the engine gets it. */
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
