import type { Effects } from '../config/effects.ts';
import type { Paths } from '../config/paths.ts';
import { rehearsalConnection } from '../rehearsal/connection.ts';
import { connectDatabricks, type DatabricksConnection, type DatabricksOptions } from '../warehouse/databricks.ts';
import { untilAwake } from './awake.ts';
import { readCredentials } from './credentials.ts';
import { proxyFor } from './proxy.ts';

/** The targets that are no DuckDB: they differ in nothing but host and credentials. */
export type RemoteName = 'rehearsal' | 'prod';

/** A Databricks, or its rehearsal, as our own driver and as dbt reach it. */
export interface RemoteTarget {
  readonly name: RemoteName;
  /** Holds the schemas raw, staging, intermediate, marts, snapshots, and our own. */
  readonly catalog: string;
  readonly options: DatabricksOptions;
  /** For dbt: what profiles.yml reads, with secrets. Never to be printed or written down. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Databricks' SDK, in dbt, takes whatever else it finds in the environment for a second way in, such as the ARM_CLIENT_ID
 * of an Azure pipeline, and refuses to choose.
 */
const TOKEN_ONLY = { DATABRICKS_AUTH_TYPE: 'pat' };

/**
 * Where a target is and how to get in.
 * @param start whether a rehearsal that does not run is started.
 * @throws MeetupError where the rehearsal does not run, or credentials are missing or malformed.
 */
export async function remoteTarget(
  name: RemoteName,
  paths: Paths,
  effects: Effects,
  { start = false }: { start?: boolean } = {},
): Promise<RemoteTarget> {
  if (name === 'rehearsal') {
    const connection = await rehearsalConnection(paths, effects, { start });
    // The only catalog that Spark's own metastore has for tables.
    const catalog = 'hive_metastore';
    const environment = { ...connection.dbtEnvironment, ...TOKEN_ONLY };
    return { name, catalog, options: { ...connection.driver, catalog }, environment };
  }
  const credentials = await readCredentials(effects.env);
  const { DATABRICKS_HOST: host, DATABRICKS_CATALOG: catalog, DATABRICKS_HTTP_PATH: httpPath } = credentials;
  const {
    DATABRICKS_TOKEN: token,
    DATABRICKS_CLIENT_ID: clientId,
    DATABRICKS_CLIENT_SECRET: clientSecret,
  } = credentials;
  const proxyUrl = proxyFor(host, effects.env);
  return {
    name,
    catalog,
    options: {
      host,
      httpPath,
      catalog,
      ...(token === undefined ? {} : { token }),
      ...(clientId === undefined ? {} : { clientId }),
      ...(clientSecret === undefined ? {} : { clientSecret }),
      ...(proxyUrl === undefined ? {} : { proxyUrl }),
    },
    environment: {
      ...Object.fromEntries(
        Object.entries(credentials).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
      ),
      ...(token === undefined ? {} : TOKEN_ONLY),
    },
  };
}

/**
 * Opens a session on a target, and waits for a warehouse that is asleep.
 * @throws MeetupError where it can't be reached, or does not let us in; InterruptedError when the signal is aborted.
 */
export const connectTarget = (target: RemoteTarget, effects: Effects): Promise<DatabricksConnection> =>
  untilAwake(() => connectAndAsk(target.options), effects);

/** Some warehouses give a session before they can answer in it. */
async function connectAndAsk(options: DatabricksOptions): Promise<DatabricksConnection> {
  const connection = await connectDatabricks(options);
  try {
    await connection.rows('select 1');
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}
