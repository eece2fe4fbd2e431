import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Effects } from '../../config/effects.ts';
import { hasCode, MeetupError } from '../../config/errors.ts';
import type { Paths } from '../../config/paths.ts';
import { isAlive } from '../../config/processes.ts';
import { DELTA, fetchJars, jarName } from './jars.ts';
import { findJava, type Java } from './java.ts';
import { compileServer, SERVER_SOURCES } from './server.ts';
import { hivesConfiguration, installPackage, REQUIREMENTS, sparkJars } from './spark.ts';

/** An installation of Spark with Delta. */
export interface SparkHome {
  readonly java: Java;
  readonly home: string;
  /** Java's class path; folders end with `/*` for all their jars. */
  readonly classPath: readonly string[];
}

/**
 * Finds Spark and Delta in the toolchain, or installs them: about 450 MB, once for all state folders that share the toolchain.
 * Each part is built in a temporary folder and renamed into place, so that a killed installation leaves nothing half-done.
 */
export async function provisionSpark(paths: Paths, effects: Effects): Promise<SparkHome> {
  const java = await findJava(effects);
  const site: Site = { folder: join(paths.toolchain, 'rehearsal'), java, paths, effects };
  const spark = await fingerprint(
    REQUIREMENTS,
    DELTA.map((library) => jarName(library) + library.sha256),
  );
  const home = join(site.folder, `spark-${spark}`);
  await make(home, site, (staging) => installSpark(staging, site));
  const classes = join(site.folder, `server-${await fingerprint(SERVER_SOURCES, [spark])}`);
  await make(classes, site, (staging) =>
    step("Compiling the rehearsal's server", effects, () => compileServer(home, staging, java, effects)),
  );
  const jars = [sparkJars(home), join(home, 'delta')].map((jar) => join(jar, '*'));
  return { java, home, classPath: [classes, ...(await hivesConfiguration(home)), ...jars] };
}

interface Site {
  readonly folder: string;
  readonly java: Java;
  readonly paths: Paths;
  readonly effects: Effects;
}

/** A hash of everything that an installation is built from. */
async function fingerprint(files: readonly string[], others: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const file of files) hash.update(await readFile(file));
  for (const other of others) hash.update(other);
  return hash.digest('hex').slice(0, 12);
}

async function make(place: string, { folder }: Site, work: (staging: string) => Promise<void>): Promise<void> {
  if (existsSync(place)) return;
  await mkdir(folder, { recursive: true });
  await removeLeftovers(folder);
  const staging = join(folder, `making-${process.pid}`);
  try {
    // Process ids are reused: an earlier process with the same one may have been killed here.
    await rm(staging, { recursive: true, force: true });
    await work(staging);
    await takePlace(staging, place);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function installSpark(staging: string, { java, paths, effects }: Site): Promise<void> {
  if (!existsSync(paths.python)) {
    throw new MeetupError(
      `There is no Python environment at ${paths.toolchain}: run \`./meetup doctor\`, which says how to create it.`,
    );
  }
  await step('Installing Spark (about 450 MB, once)', effects, () => installPackage(staging, paths, effects));
  const scratch = join(staging, 'fetching');
  await step('Fetching Delta Lake', effects, () =>
    fetchJars(DELTA, join(staging, 'delta'), { spark: staging, java, scratch }, effects),
  );
  await rm(scratch, { recursive: true, force: true });
}

async function takePlace(staging: string, home: string): Promise<void> {
  try {
    await rename(staging, home);
  } catch (error) {
    // Another process finished the same installation a moment earlier.
    if (!hasCode(error, 'ENOTEMPTY', 'EEXIST', 'EPERM') || !existsSync(home)) throw error;
  }
}

/** Removes what killed installations left behind. */
async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = /^making-(\d+)$/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) await rm(join(folder, name), { recursive: true, force: true });
  }
}

/** Reports a step and its duration while it runs. */
async function step<T>(what: string, effects: Effects, work: () => Promise<T>): Promise<T> {
  const started = effects.clock.elapsed();
  const seconds = (): number => Math.round((effects.clock.elapsed() - started) / 1000);
  effects.reporter.progress(`${what} …`);
  const timer = setInterval(() => effects.reporter.progress(`${what} … ${seconds()} s`), 1000);
  try {
    const result = await work();
    effects.reporter.note(`${what}: done in ${seconds()} s`);
    return result;
  } finally {
    clearInterval(timer);
  }
}
