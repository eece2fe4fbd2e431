import { join } from 'node:path';
import { execa } from 'execa';
import type { Effects } from '../../config/effects.ts';
import { MeetupError } from '../../config/errors.ts';

/** Spark 4.0 runs on Java 17 and 21; Java 24 removed what Hadoop's libraries need. */
const OLDEST = 17;
const NEWEST = 23;

export interface Java {
  readonly executable: string;
  readonly version: number;
}

/**
 * Finds a Java that Spark runs on: the one in JAVA_HOME, else the first on the PATH.
 * @throws MeetupError that explains how to get one.
 */
export async function findJava(effects: Effects): Promise<Java> {
  const found: Java[] = [];
  for (const executable of await candidates(effects.env)) {
    const version = await versionOf(executable, effects.env);
    if (version === undefined) continue;
    if (version >= OLDEST && version <= NEWEST) return { executable, version };
    found.push({ executable, version });
  }
  const [unfit] = found;
  const has = unfit ? `${unfit.executable} is Java ${unfit.version}` : 'no Java was found';
  throw new MeetupError(
    `The rehearsal's Spark needs Java 17 or 21, and ${has}: install one (Debian, Ubuntu: sudo apt install openjdk-17-jre-headless; macOS: brew install openjdk@17; Windows: winget install EclipseAdoptium.Temurin.17.JRE), or set JAVA_HOME to its folder, and try again.`,
  );
}

async function candidates(env: Effects['env']): Promise<string[]> {
  const names = env.JAVA_HOME ? [join(env.JAVA_HOME, 'bin', 'java')] : [];
  if (process.platform === 'darwin') {
    // Where macOS keeps its Javas, and Homebrew those that it doesn't link.
    const { stdout } = await execa('/usr/libexec/java_home', ['-v', '17'], { reject: false });
    if (typeof stdout === 'string' && stdout !== '') names.push(join(stdout.trim(), 'bin', 'java'));
    names.push(...['/opt/homebrew', '/usr/local'].map((prefix) => `${prefix}/opt/openjdk@17/bin/java`));
  }
  return [...names, 'java'];
}

async function versionOf(executable: string, env: Effects['env']): Promise<number | undefined> {
  const options = { reject: false, all: true, env: definedOf(env), extendEnv: false, timeout: 20_000 } as const;
  const { exitCode, all } = await execa(executable, ['-version'], options);
  return exitCode === 0 ? javaVersion(all ?? '') : undefined;
}

/** The feature release in the output of `java -version`: 17 for `openjdk version "17.0.15" 2025-04-15`, 8 for `"1.8.0_402"`. */
export function javaVersion(text: string): number | undefined {
  const match = /version "(?:1\.)?(\d+)/.exec(text);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}

/** The environment without unset variables. */
export function definedOf(env: Effects['env']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
