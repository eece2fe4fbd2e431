import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Effects } from '../../config/effects.ts';
import { MeetupError } from '../../config/errors.ts';
import { type Paths, sourceFolder } from '../../config/paths.ts';
import { call, findUv, uvEnvironment } from './uv.ts';

/** The requirements and build requirements, with a hash for every file. */
export const REQUIREMENTS = ['requirements.txt', 'requirements-build.txt'].map((name) =>
  join(sourceFolder, 'rehearsal', name),
);

/**
 * Installs Spark from its Python package into a folder that can be moved. Only the jars are used: the rehearsal runs no Python.
 * @throws MeetupError if the package can't be installed.
 */
export async function installPackage(folder: string, paths: Paths, effects: Effects): Promise<void> {
  const [requirements = '', build = ''] = REQUIREMENTS;
  const uv = await findUv(paths, effects);
  const args = ['pip', 'install', '--python', paths.python, '--target', folder, '--require-hashes', '--no-deps'];
  const { code, output } = await call(
    uv,
    [...args, '--build-constraints', build, '-r', requirements],
    effects,
    uvEnvironment(effects.env),
  );
  if (code === 0) return;
  throw new MeetupError(`Spark can't be installed (uv: ${reasonIn(output)}): fix that and try again.`);
}

/** The folder with Spark's jars. */
export const sparkJars = (folder: string): string => join(folder, 'pyspark', 'jars');

/**
 * The jar with Hive's configuration class. Each session and each statement creates one, which searches the class path for its
 * own jar: it must not be behind two hundred others.
 */
export async function hivesConfiguration(folder: string): Promise<string[]> {
  const names = await readdir(sparkJars(folder));
  return names.filter((name) => /^hive-common-\d.*\.jar$/.test(name)).map((name) => join(sparkJars(folder), name));
}

/** The line of a tool's output that most likely gives the reason for its failure. */
export function reasonIn(output: string): string {
  const lines = output.split('\n').map((line) => line.trim());
  const telling = lines.filter((line) => /error|caused by|failed|refused|denied|not found/i.test(line));
  return (telling.at(-1) ?? lines.filter(Boolean).at(-1) ?? 'no output').replace(/[.:]$/, '').slice(0, 300);
}
