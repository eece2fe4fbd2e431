import { execa } from 'execa';
import type { Effects } from '../../config/effects.ts';
import { InterruptedError, MeetupError } from '../../config/errors.ts';
import { findUv as findLaunchersUv } from '../../config/launcher.ts';
import type { Paths } from '../../config/paths.ts';
import { definedOf } from './java.ts';

/** Runs a tool and returns its output and exit code; its lines are shown with --verbose as they arrive. */
export async function call(
  command: string,
  args: readonly string[],
  effects: Effects,
  env: Record<string, string> = {},
): Promise<{ code: number; output: string }> {
  const child = execa(command, args, {
    reject: false,
    all: true,
    env: { ...definedOf(effects.env), ...env },
    extendEnv: false,
    cancelSignal: effects.signal,
    stdin: 'ignore',
  });
  const result = await child;
  if (effects.signal.aborted) throw new InterruptedError();
  const output = result.all ?? '';
  for (const line of output.split('\n')) effects.reporter.detail(line);
  return { code: result.exitCode ?? 127, output };
}

/**
 * Finds uv on the PATH, or the one that the launcher installed in the toolchain.
 * @throws MeetupError if there is none.
 */
export async function findUv(paths: Paths, effects: Effects): Promise<string> {
  const silent = { ...effects, reporter: { ...effects.reporter, detail: () => undefined } };
  const run = (command: string, args: readonly string[]) => call(command, args, silent);
  const found = await findLaunchersUv(run, paths);
  if (found !== undefined) return found;
  throw new MeetupError(
    'The rehearsal installs Spark with uv, and there is none on the PATH or in the toolchain: install it (https://docs.astral.sh/uv) and try again.',
  );
}

/** uv's environment, as in the launcher: the system's certificates and mirrors, no progress bars, no Python downloads. */
export function uvEnvironment(env: Effects['env']): Record<string, string> {
  const mirror = env.PIP_INDEX_URL;
  return {
    UV_NO_PROGRESS: '1',
    UV_PYTHON_DOWNLOADS: 'never',
    UV_SYSTEM_CERTS: env.UV_SYSTEM_CERTS ?? 'true',
    ...(mirror && !env.UV_INDEX_URL && !env.UV_DEFAULT_INDEX ? { UV_DEFAULT_INDEX: mirror } : {}),
  };
}
