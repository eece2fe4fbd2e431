import type { Effects } from '../config/effects.ts';
import type { Paths } from '../config/paths.ts';
import { rehearsalConnection } from '../rehearsal/connection.ts';
import { connectDatabricks, type DatabricksConnection, type DatabricksOptions } from '../warehouse/databricks.ts';
import { untilAwake } from './awake.ts';
import { readCredentials } from './credentials.ts';
import { proxyFor } from './proxy.ts';

/** The targets other than DuckDB: they only differ in host and credentials. */
export type RemoteName = 'rehearsal' | 'prod';

/** The connection to Databricks or the rehearsal, for the driver and for dbt. */
export interface RemoteTarget {
  readonly name: RemoteName;
  /** The catalog of the schemas raw, staging, intermediate, marts and meetup. */
  readonly catalog: string;
  readonly options: DatabricksOptions;
  /** For dbt: what profiles.yml reads, with secrets. Never to be printed or written down. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Databricks' SDK, in dbt, treats other variables in the environment, such as the ARM_CLIENT_ID of an Azure pipeline, as
 * a second set of credentials, and refuses to choose.
 */
const TOKEN_ONLY = { DATABRICKS_AUTH_TYPE: 'pat' };

/**
 * The connection to a target.
 * @param start whether to start the rehearsal if it isn't running.
 * @throws MeetupError if the rehearsal isn't running, or credentials are missing or malformed.
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
 * Opens a session on a target, and waits for a warehouse that is starting.
 * @throws MeetupError if it can't be reached or refuses the credentials; InterruptedError when the signal is aborted.
 */
export const connectTarget = (target: RemoteTarget, effects: Effects): Promise<DatabricksConnection> =>
  untilAwake(() => connectAndAsk(target.options), effects);

/** Some warehouses open a session before they can run statements in it. */
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
