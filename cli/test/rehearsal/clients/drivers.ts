import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Effects } from '../../../src/config/effects.ts';
import type { Paths } from '../../../src/config/paths.ts';
import { fetchJars, jarName, type Library } from '../../../src/rehearsal/provision/jars.ts';
import { findJava } from '../../../src/rehearsal/provision/java.ts';
import { provisionSpark } from '../../../src/rehearsal/provision/provision.ts';
import { installEnv, programIn } from '../../support/python-env.ts';
import type { Given, Outcome } from './cases.ts';
import { goClient } from './go-client.ts';
import { nodeClient } from './node-client.ts';
import { runClient } from './run-client.ts';

/** Databricks' JDBC driver, from Maven Central. */
const JDBC: Library = {
  group: 'com.databricks',
  artifact: 'databricks-jdbc',
  version: '3.0.1',
  sha256: '73ff679a86ff726a2975f5de2dbb38564666f5f7a32854032ff71b50a871456f',
};

export interface Site {
  readonly paths: Paths;
  readonly effects: Effects;
  readonly connection: Omit<Given, 'cases'>;
}

const HERE = dirname(new URL(import.meta.url).pathname);

/** How to run the cases with each driver, and with libraries that are built on one. */
export const DRIVERS: Readonly<Record<string, (given: Given, site: Site) => Promise<Outcome[]>>> = {
  node: (given) => nodeClient(given),
  python: (given, { paths }) => runClient(paths.python, [join(HERE, 'python/driver_client.py')], given),
  sqlalchemy: (given) => inClients('sqlalchemy_client.py', given),
  ibis: (given) => inClients('ibis_client.py', given),
  jdbc: async (given, site) => {
    const jar = await jdbcJar(site);
    const opened = ['java.base/java.nio', 'java.base/java.lang'].flatMap((name) => [
      '--add-opens',
      `${name}=ALL-UNNAMED`,
    ]);
    const options = ['-Duser.timezone=UTC', '-Xmx512m', ...opened, '-cp', jar];
    return runClient((await findJava(site.effects)).executable, [...options, join(HERE, 'Client.java')], given);
  },
  go: async (given, { paths }) => runClient(await goClient(driversIn(paths)), [], given),
};

async function inClients(program: string, given: Given): Promise<Outcome[]> {
  await installEnv('clients');
  return runClient(programIn('clients'), [join(HERE, 'python', program)], given);
}

const driversIn = (paths: Paths): string => join(paths.toolchain, 'rehearsal', 'drivers');

/** The driver, downloaded once per toolchain. */
async function jdbcJar({ paths, effects }: Site): Promise<string> {
  const folder = driversIn(paths);
  const jar = join(folder, jarName(JDBC));
  if (existsSync(jar)) return jar;
  await mkdir(folder, { recursive: true });
  const { java, home } = await provisionSpark(paths, effects);
  await fetchJars([JDBC], folder, { spark: home, java, scratch: join(folder, 'fetching') }, effects);
  return jar;
}
