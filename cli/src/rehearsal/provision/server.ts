import { readdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Effects } from '../../config/effects.ts';
import { MeetupError } from '../../config/errors.ts';
import { sourceFolder } from '../../config/paths.ts';
import type { Java } from './java.ts';
import { reasonIn, sparkJars } from './spark.ts';
import { call } from './uv.ts';

const SOURCES = join(sourceFolder, 'rehearsal', 'spark');

/** The Scala sources that the rehearsal adds to Spark's server. */
export const SERVER_SOURCES = readdirSync(SOURCES)
  .filter((name) => name.endsWith('.scala'))
  .sort()
  .map((name) => join(SOURCES, name));

/** Compiles them with the Scala compiler in Spark's jars, so that a Java runtime is enough. */
export async function compileServer(home: string, classes: string, java: Java, effects: Effects): Promise<void> {
  await mkdir(classes, { recursive: true });
  const classPath = ['-cp', join(sparkJars(home), '*')];
  const compiler = ['scala.tools.nsc.Main', '-usejavacp', '-d', classes, ...SERVER_SOURCES];
  const { code, output } = await call(java.executable, ['-Xmx1g', ...classPath, ...compiler], effects);
  if (code === 0) return;
  throw new MeetupError(`The rehearsal's server can't be compiled (${reasonIn(output)}): --verbose shows all of it.`);
}
