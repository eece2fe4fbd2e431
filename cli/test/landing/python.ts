import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { projectRoot } from '../../src/config/paths.ts';
import { installEnv, packagesIn, programIn } from '../support/python-env.ts';

/** How a program ends that stops itself as a kill would. */
const KILLED = 9;

/** Installs the packages of the landing task, if they are missing. */
export const installLanding = (): Promise<void> => installEnv('landing');

/**
 * Runs a Python program beside this file with the packages of the landing task, and behind them those of dbt, which include the client of
 * Databricks.
 * @returns its standard output.
 */
export async function runPython(
  program: string,
  args: readonly string[],
  { input = '', env = {} }: { input?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  const path = [join(projectRoot, 'cli/src/landing/python'), packagesIn('landing'), packagesIn('python')].join(':');
  const file = fileURLToPath(new URL(program, import.meta.url));
  const { stdout, exitCode, stderr } = await execa(programIn('landing'), ['-X', 'utf8', file, ...args], {
    env: { ...env, PYTHONPATH: path, PYTHONDONTWRITEBYTECODE: '1' },
    input,
    reject: false,
  });
  if (exitCode !== 0 && exitCode !== KILLED) throw new Error(stderr);
  return stdout;
}
