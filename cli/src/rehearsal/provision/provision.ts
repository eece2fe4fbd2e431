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
import { installPackage, REQUIREMENTS, sparkJars } from './spark.ts';

/** A Spark with Delta that can be started. */
export interface SparkHome {
  readonly java: Java;
  readonly home: string;
  /** Java's class path, in its own notation: folders with `/*` for all their jars. */
  readonly classPath: readonly string[];
}

/**
 * Finds Spark and Delta in the toolchain, or installs them: about 450 MB, once for all state folders that share it.
 * Each part is made beside its place and takes it in one step, so that a killed installation leaves nothing half-made.
 */
export async function provisionSpark(paths: Paths, effects: Effects): Promise<SparkHome> {
  const java = await findJava(effects);
  const site: Site = { folder: join(paths.toolchain, 'rehearsal'), java, paths, effects };
  const spark = await fingerprint(
    REQUIREMENTS,
    DELTA.map((library) => jarName(library) + library.sha256),
  );
  const home = join(site.folder, `spark-${spark}`);
  await make(home, site, (workshop) => installSpark(workshop, site));
  const classes = join(site.folder, `server-${await fingerprint(SERVER_SOURCES, [spark])}`);
  await make(classes, site, (workshop) =>
    step("Compiling the rehearsal's server", effects, () => compileServer(home, workshop, java, effects)),
  );
  const jars = [sparkJars(home), join(home, 'delta')].map((jar) => join(jar, '*'));
  return { java, home, classPath: [classes, ...jars] };
}

interface Site {
  readonly folder: string;
  readonly java: Java;
  readonly paths: Paths;
  readonly effects: Effects;
}

/** Changes with everything that something is made of. */
async function fingerprint(files: readonly string[], others: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const file of files) hash.update(await readFile(file));
  for (const other of others) hash.update(other);
  return hash.digest('hex').slice(0, 12);
}

async function make(place: string, { folder }: Site, work: (workshop: string) => Promise<void>): Promise<void> {
  if (existsSync(place)) return;
  await mkdir(folder, { recursive: true });
  await removeLeftovers(folder);
  const workshop = join(folder, `making-${process.pid}`);
  try {
    // Process ids come back: an earlier process with this one may have been killed here.
    await rm(workshop, { recursive: true, force: true });
    await work(workshop);
    await takePlace(workshop, place);
  } finally {
    await rm(workshop, { recursive: true, force: true });
  }
}

async function installSpark(workshop: string, { java, paths, effects }: Site): Promise<void> {
  if (!existsSync(paths.python)) {
    throw new MeetupError(
      `There is no Python environment at ${paths.toolchain}: run \`./meetup doctor\`, which says how to create it.`,
    );
  }
  await step('Installing Spark (about 450 MB, once)', effects, () => installPackage(workshop, paths, effects));
  const scratch = join(workshop, 'fetching');
  await step('Fetching Delta Lake', effects, () =>
    fetchJars(DELTA, join(workshop, 'delta'), { spark: workshop, java, scratch }, effects),
  );
  await rm(scratch, { recursive: true, force: true });
}

async function takePlace(workshop: string, home: string): Promise<void> {
  try {
    await rename(workshop, home);
  } catch (error) {
    // Another process was as far a moment before: its Spark is the same.
    if (!hasCode(error, 'ENOTEMPTY', 'EEXIST', 'EPERM') || !existsSync(home)) throw error;
  }
}

/** What installations left behind that were killed. */
async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = /^making-(\d+)$/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) await rm(join(folder, name), { recursive: true, force: true });
  }
}

/** Says what is being done, and for how long, until it is done. */
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
