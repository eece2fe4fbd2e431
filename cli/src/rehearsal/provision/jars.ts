import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Effects } from '../../config/effects.ts';
import { MeetupError } from '../../config/errors.ts';
import type { Java } from './java.ts';
import { reasonIn, sparkJars } from './spark.ts';
import { call } from './uv.ts';

/** A library by its Maven coordinates, and the expected hash of its file. */
export interface Library {
  readonly group: string;
  readonly artifact: string;
  readonly version: string;
  readonly sha256: string;
}

/** Delta Lake for Spark 4.0. Its other dependency (ANTLR) is among Spark's own jars. */
export const DELTA: readonly Library[] = [
  {
    group: 'io.delta',
    artifact: 'delta-spark_2.13',
    version: '4.0.1',
    sha256: 'a1e76860b19fe1e6b205a4ea7a9099a2f9575d39bb71d49b3e679b299d0efb91',
  },
  {
    group: 'io.delta',
    artifact: 'delta-storage',
    version: '4.0.1',
    sha256: 'ecc42c5aaa51c423312d9e4e48aa4a12b34740bf2c37de0e8f279277ec3d12e4',
  },
];

export const jarName = ({ artifact, version }: Library): string => `${artifact}-${version}.jar`;

/**
 * Fetches libraries from Maven Central: with Ivy, which comes with Spark, or, if that finds nothing, with Maven, whose settings
 * may name a company's own repository.
 * @throws MeetupError if neither finds a library, or a file has another hash.
 */
export async function fetchJars(
  libraries: readonly Library[],
  into: string,
  site: { spark: string; java: Java; scratch: string },
  effects: Effects,
): Promise<void> {
  await mkdir(into, { recursive: true });
  for (const library of libraries) {
    const jar = join(into, jarName(library));
    const reasons: string[] = [];
    for (const fetch of [withIvy, withMaven]) {
      const { code, output } = await fetch(library, into, site, effects);
      if (code === 0 && existsSync(jar)) break;
      reasons.push(reasonIn(output));
    }
    if (!existsSync(jar)) {
      throw new MeetupError(
        `${library.group}:${library.artifact}:${library.version} can't be fetched from Maven Central (Ivy: ${reasons[0]}; Maven: ${reasons[1]}): check the connection, or install Maven with a repository in its settings, and try again.`,
      );
    }
    await check(library, jar);
  }
}

type Fetch = (
  library: Library,
  into: string,
  site: { spark: string; java: Java; scratch: string },
  effects: Effects,
) => Promise<{ code: number; output: string }>;

const withIvy: Fetch = async ({ group, artifact, version }, into, { spark, java, scratch }, effects) => {
  const jars = sparkJars(spark);
  const ivy = (await readdir(jars)).find((name) => /^ivy-\d.*\.jar$/.test(name));
  if (ivy === undefined) return { code: 1, output: 'Spark does not include Ivy' };
  const what = ['-dependency', group, artifact, version, '-notransitive', '-confs', 'default', '-types', 'jar'];
  const where = ['-cache', join(scratch, 'ivy'), '-retrieve', join(into, '[artifact]-[revision].[ext]')];
  return call(java.executable, ['-cp', join(jars, ivy), 'org.apache.ivy.Main', ...what, ...where], effects);
};

const withMaven: Fetch = async (library, into, _site, effects) => {
  const artifact = `-Dartifact=${library.group}:${library.artifact}:${library.version}`;
  const copy = ['-q', '-B', 'dependency:copy', artifact, `-DoutputDirectory=${into}`, '-Dmdep.useBaseVersion=true'];
  const result = await call('mvn', copy, effects);
  return result.code === 127 ? { code: 127, output: 'it is not installed' } : result;
};

async function check(library: Library, jar: string): Promise<void> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(jar)) hash.update(chunk);
  const sha256 = hash.digest('hex');
  if (sha256 === library.sha256) return;
  const aside = `${jar}.refused`;
  await rm(aside, { force: true });
  await rename(jar, aside);
  throw new MeetupError(
    `${jarName(library)} has the wrong checksum (sha-256 ${sha256}, expected ${library.sha256}): don't use the repository that it came from.`,
  );
}
