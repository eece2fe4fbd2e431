import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { inject } from 'vitest';
import type { TestProject } from 'vitest/node';
import { run as rehearsal } from '../../src/commands/rehearsal.ts';
import type { Effects } from '../../src/config/effects.ts';
import { type Paths, projectRoot, resolvePaths } from '../../src/config/paths.ts';
import { rehearsalConnection } from '../../src/rehearsal/connection.ts';
import { rehearsalPlaces } from '../../src/rehearsal/places.ts';
import { connectDatabricks, type DatabricksConnection } from '../../src/warehouse/databricks.ts';
import { quoteNames } from '../../src/warehouse/databricks-sql.ts';
import { quietEffects } from './effects.ts';
import { interpreting } from './interpreted-spark.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder with a rehearsal's state folder for each worker. */
    rehearsals: string;
  }
}

/**
 * The test files that neither kill nor configure Spark share one per worker: each start takes 15 s of CPU time, and a warm Spark
 * runs the same statements in half the time. This is vitest's global setup: it provides the folder, and in the end stops them.
 */
export default async function setUp({ provide }: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'meetup-rehearsals-'));
  provide('rehearsals', folder);
  return async () => {
    for (const worker of await readdir(folder)) {
      await rehearsal({ paths: pathsOf(folder, worker), action: 'down' }, quietEffects({ env: process.env }));
    }
    await rm(folder, { recursive: true, force: true });
  };
}

/** Makes this worker's rehearsal, which is started if necessary, that of a new state folder. It is empty. */
export async function shareRehearsal(state: string, effects: Effects): Promise<void> {
  const paths = pathsOf(inject('rehearsals'), process.env.VITEST_POOL_ID ?? '1');
  const { folder, launchFile } = rehearsalPlaces(paths);
  const isUsed = existsSync(launchFile);
  await rehearsal({ paths, action: 'up' }, { ...effects, env: interpreting(effects.env) });
  if (isUsed) await empty(paths, effects);
  await mkdir(state, { recursive: true });
  await symlink(folder, join(state, 'rehearsal'), 'dir');
  if (dirname(rehearsalPlaces({ state, logs: state }).folder) !== dirname(folder))
    throw new Error(`${state} has its own rehearsal`);
}

function pathsOf(folder: string, worker: string): Paths {
  const toolchain = process.env.MEETUP_TOOLCHAIN_DIR ?? join(projectRoot, '.meetup/toolchain');
  return resolvePaths({ stateDir: join(folder, worker) }, { MEETUP_TOOLCHAIN_DIR: toolchain }, folder);
}

/** Removes the schemas and volumes that the previous file left. */
async function empty(paths: Paths, effects: Effects): Promise<void> {
  const { driver } = await rehearsalConnection(paths, effects);
  const connection = await connectDatabricks(driver);
  try {
    await dropAll(connection);
  } finally {
    await connection.close();
  }
  const { volumes } = rehearsalPlaces(paths);
  for (const name of await readdir(volumes)) await rm(join(volumes, name), { recursive: true });
}

async function dropAll(connection: DatabricksConnection): Promise<void> {
  for (const { namespace } of await connection.rows('show schemas')) {
    if (namespace !== 'default') await connection.run(`drop schema ${quoteNames(String(namespace))} cascade`);
  }
  for (const { tableName } of await connection.rows('show tables in default')) {
    await connection.run(`drop table default.${quoteNames(String(tableName))}`);
  }
}
