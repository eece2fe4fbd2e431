import { createRequire } from 'node:module';
import { join } from 'node:path';
import { z } from 'zod';
import { type Paths, projectRoot } from './paths.ts';

/**
 * The launcher's modules, so that there is one definition of a suitable Python, of who is setting up, and of a complete
 * environment. They are plain JavaScript that must run before anything is compiled, so their results are parsed here.
 */
const load = createRequire(join(projectRoot, 'package.json'));

const pythonSchema = z.object({ executable: z.string(), version: z.array(z.number()).min(2) });
/** A Python that can create dbt's environment. */
export type FoundPython = z.infer<typeof pythonSchema>;

const silentLog = { write: () => {} };
const noLock = { addChild: () => {}, removeChild: () => {} };

/**
 * Looks for a Python as the setup does.
 * @throws Error with a plain sentence if there is none.
 */
export async function findPython(
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<FoundPython> {
  const { findPython: find }: { findPython(site: object): Promise<unknown> } = load('./cli/launcher/python-finder.cjs');
  return pythonSchema.parse(await find({ env, signal, log: silentLog, lock: noLock, root: projectRoot }));
}

/** The process that is currently setting up Node packages, the CLI or a Python environment for this folder. */
export function setupOwner(paths: Paths): number | undefined {
  const { lockOwner }: { lockOwner(folder: string): unknown } = load('./cli/launcher/lock.cjs');
  const folders = [join(projectRoot, '.meetup', 'setup'), join(paths.toolchain, 'setup')];
  return folders.map((folder) => z.number().optional().parse(lockOwner(folder))).find((pid) => pid !== undefined);
}

/** Whether the Python environment is complete and up to date with its requirements, by the launcher's own rule. */
export function pythonEnvIsReady(paths: Paths): boolean {
  const { envIsReady }: { envIsReady(places: object, name: string): unknown } = load('./cli/launcher/ready.cjs');
  return z.boolean().parse(envIsReady({ root: projectRoot, toolchain: paths.toolchain }, 'python'));
}

const markerSchema = z.object({ MARKER: z.string(), SIGNATURE: z.string() });

/** The file that marks a state folder as meetup's own, and its first line. */
export function stateMarker(): { name: string; signature: string } {
  const { MARKER, SIGNATURE } = markerSchema.parse(load('./cli/launcher/state-marker.cjs'));
  return { name: MARKER, signature: SIGNATURE };
}

/** The uv on the PATH or in the toolchain. @param run calls a program and returns its exit code and output. */
export async function findUv(
  run: (command: string, args: readonly string[]) => Promise<{ code: number; output: string }>,
  paths: Paths,
): Promise<string | undefined> {
  const { findUv: find }: { findUv(run: unknown, toolchain: string): Promise<unknown> } = load('./cli/launcher/uv.cjs');
  return z
    .string()
    .optional()
    .parse(await find(run, paths.toolchain));
}
