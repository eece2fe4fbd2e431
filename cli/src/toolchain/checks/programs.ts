import { join } from 'node:path';
import { execa } from 'execa';
import { messageOf } from '../../config/errors.ts';
import { findPython } from '../../config/launcher.ts';
import { viewGit } from '../git.ts';
import { type Check, type DoctorContext, fail, ok, warn } from './check.ts';

/** How long a program may take to print its version (milliseconds). */
const PATIENCE_MS = 10_000;

/** The first line that a program prints, on stdout or stderr; undefined if it doesn't start. */
async function firstLineOf({ effects }: DoctorContext, command: string, args: string[]): Promise<string | undefined> {
  const { exitCode, all } = await execa(command, args, {
    all: true,
    reject: false,
    timeout: PATIENCE_MS,
    env: effects.env,
    extendEnv: false,
    cancelSignal: effects.signal,
    stdin: 'ignore',
  });
  return exitCode === 0 ? all?.trim() : undefined;
}

/** The launcher refuses an older version, so this only reports the version. */
export async function checkNode(): Promise<Check> {
  return ok('Node', `${process.versions.node} (${process.execPath})`);
}

export async function checkNpm(context: DoctorContext): Promise<Check> {
  const version = await firstLineOf(context, 'npm', ['--version']);
  if (version !== undefined) return ok('npm', version.split('\n').at(-1) ?? version);
  return warn(
    'npm',
    'not found on the PATH',
    'install npm, which comes with Node: updates of the Node packages need it',
  );
}

export async function checkPython({ effects }: DoctorContext): Promise<Check> {
  try {
    const { executable, version } = await findPython(effects.env, effects.signal);
    return ok('Python', `${version.join('.')} (${executable})`);
  } catch (error) {
    return fail(
      'Python',
      messageOf(error),
      'install Python 3.10 to 3.13, or set the environment variable PYTHON to one',
    );
  }
}

export async function checkGit(context: DoctorContext): Promise<Check> {
  const version = await firstLineOf(context, 'git', ['--version']);
  if (version !== undefined) {
    const view = await viewGit(context.paths.root, context.effects.env);
    const number = version.replace(/^git version /, '');
    return view.kind === 'refused'
      ? fail('git', `${number}, but it refuses to work here: ${view.reason}`, view.advice)
      : ok('git', number);
  }
  return warn('git', 'not found on the PATH', "install git: without it, a deployment can't record its commit");
}

/** The oldest Java that Spark 4 runs on. */
const OLDEST_JAVA = 17;

export async function checkJava(context: DoctorContext): Promise<Check> {
  const { JAVA_HOME } = context.effects.env;
  const said = await firstLineOf(context, JAVA_HOME ? join(JAVA_HOME, 'bin', 'java') : 'java', ['-version']);
  const version = /version "([^"]+)"/.exec(said ?? '')?.[1];
  const fix = `install Java ${OLDEST_JAVA} or newer, and set JAVA_HOME to it: only the rehearsal needs it`;
  if (version === undefined) return warn('Java', 'not found', fix);
  // 1.8.0_392 was Java 8.
  const major = Number(version.replace(/^1\./, '').split(/[.\-_]/)[0]);
  return major >= OLDEST_JAVA ? ok('Java', version) : warn('Java', `${version} is too old for the rehearsal`, fix);
}
