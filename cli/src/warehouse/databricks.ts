import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { DBSQLClient, DBSQLSession } from '@databricks/sql';
import { InterruptedError, MeetupError, messageOf } from '../config/errors.ts';
import { quoteText } from './databricks-sql.ts';

export interface DatabricksOptions {
  readonly host: string;
  /** 443 by default. */
  readonly port?: number;
  readonly httpPath: string;
  /** A token, or a service principal that gets one through OAuth. */
  readonly token?: string;
  readonly clientId?: string;
  readonly clientSecret?: string;
  readonly catalog?: string;
  readonly schema?: string;
  /**
   * A certificate authority (PEM) to trust besides the usual ones. The driver (2.1.0) ignores it behind a proxy, where
   * NODE_EXTRA_CA_CERTS is needed.
   */
  readonly caFile?: string;
  /** `http://host:port`, with `user:password@` if the proxy needs it. All traffic goes through it. */
  readonly proxyUrl?: string;
  /** How long one answer may take (milliseconds; by default 15 minutes). */
  readonly timeoutMs?: number;
  /** How often a read-only statement is retried if no answer comes (5 times by default). */
  readonly attempts?: number;
  /** Session settings such as `ansi_mode`. The time zone is UTC unless it is set here. */
  readonly configuration?: Readonly<Record<string, string>>;
}

/**
 * One row. Integers beyond 2^53 and exact decimals lose digits on the way: cast them to strings in the query. Dates and timestamps are
 * text, to the millisecond; inside arrays, maps and structs they have the driver's own form.
 */
export type DatabricksRow = Readonly<Record<string, unknown>>;

/** A statement failed; the message is the warehouse's. */
export class StatementFailedError extends MeetupError {
  /** The SQLSTATE, five characters; undefined if the warehouse returned none. */
  readonly sqlState: string | undefined;

  constructor(message: string, sqlState: string | undefined, cause: unknown) {
    super(message, { cause });
    this.name = 'StatementFailedError';
    this.sqlState = sqlState;
  }
}

export interface StatementOptions {
  /** Cancels the statement on the warehouse. */
  readonly signal?: AbortSignal;
}

/** A session on Databricks or on the rehearsal; the driver doesn't see the difference. */
export interface DatabricksConnection {
  /** @throws StatementFailedError; InterruptedError if it was cancelled. */
  rows(sql: string, options?: StatementOptions): Promise<DatabricksRow[]>;
  /** Runs a statement to its end and discards the result. */
  run(sql: string, options?: StatementOptions): Promise<void>;
  /** Uploads a file into a volume, and replaces an existing one. */
  put(localFile: string, volumePath: string): Promise<void>;
  /** Downloads a file from a volume. */
  get(volumePath: string, localFile: string): Promise<void>;
  /** Removes a file from a volume. A missing file is not an error. */
  remove(volumePath: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a session with the official driver, quietly: no log on the console, no telemetry.
 * @throws MeetupError if the warehouse can't be reached or refuses the credentials.
 */
export async function connectDatabricks(options: DatabricksOptions): Promise<DatabricksConnection> {
  // Only now: loading the driver takes a third of a second, which commands that work on this machine alone don't spend.
  const driver = await import('@databricks/sql');
  const client = new driver.DBSQLClient({ logger: { log: () => undefined } });
  // Without a listener, a connection that breaks between two statements would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect({
      host: options.host,
      ...(options.port === undefined ? {} : { port: options.port }),
      path: options.httpPath,
      ...authentication(options),
      telemetryEnabled: false,
      ...(options.timeoutMs === undefined ? {} : { socketTimeout: options.timeoutMs }),
      ...(options.attempts === undefined ? {} : { retryMaxAttempts: options.attempts }),
      ...(options.caFile === undefined ? {} : { customCaCert: await readFile(options.caFile) }),
      ...(options.proxyUrl === undefined ? {} : { proxy: proxyOf(options.proxyUrl) }),
    });
    const session = await client.openSession({
      ...(options.catalog === undefined ? {} : { initialCatalog: options.catalog }),
      ...(options.schema === undefined ? {} : { initialSchema: options.schema }),
      configuration: { timezone: 'UTC', ...options.configuration },
    });
    return connectionOver(client, session);
  } catch (error) {
    await client.close().catch(() => undefined);
    throw cannotConnect(options, error);
  }
}

function connectionOver(client: DBSQLClient, session: Session): DatabricksConnection {
  const stage = async (sql: string, localFile: string): Promise<void> => {
    try {
      const allowed = { stagingAllowedLocalPath: dirname(resolve(localFile)) };
      await (await session.executeStatement(sql, allowed)).close();
    } catch (error) {
      throw statementFailed(error);
    }
  };
  return {
    rows: (sql, { signal } = {}) => execute(session, sql, signal, rowsOf),
    run: (sql, { signal } = {}) => execute(session, sql, signal, (operation) => operation.finished()),
    put: (localFile, volumePath) =>
      stage(`PUT ${quoteText(resolve(localFile))} INTO ${quoteText(volumePath)} OVERWRITE`, localFile),
    get: (volumePath, localFile) =>
      stage(`GET ${quoteText(volumePath)} TO ${quoteText(resolve(localFile))}`, localFile),
    remove: (volumePath) => stage(`REMOVE ${quoteText(volumePath)}`, '.'),
    close: async () => {
      // A session that is already gone can't be closed and need not be.
      await session.close().catch(() => undefined);
      await client.close().catch(() => undefined);
    },
  };
}

type Session = Pick<DBSQLSession, 'executeStatement' | 'close'>;
type Operation = Awaited<ReturnType<Session['executeStatement']>>;

async function execute<T>(
  session: Session,
  sql: string,
  signal: AbortSignal | undefined,
  take: (operation: Operation) => Promise<T>,
): Promise<T> {
  if (signal?.aborted) throw new InterruptedError();
  let operation: Operation | undefined;
  const cancel = (): void => void operation?.cancel().catch(() => undefined);
  signal?.addEventListener('abort', cancel);
  try {
    operation = await session.executeStatement(sql);
    if (signal?.aborted) cancel();
    const result = await take(operation);
    await operation.close();
    return result;
  } catch (error) {
    if (signal?.aborted) throw new InterruptedError();
    throw statementFailed(error);
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}

/** The warehouse sends Arrow if it can; the driver then turns both dates and timestamps into Dates. */
async function rowsOf(operation: Operation): Promise<DatabricksRow[]> {
  const rows = await operation.fetchAll();
  if (!rows.some((row) => Object.values(row).some((value) => value instanceof Date)))
    return rows.map((row) => ({ ...row }));
  const schema = await operation.getSchema();
  const dates = new Set(schema?.columns.filter(isDate).map(({ columnName }) => columnName));
  const text = (name: string, value: unknown): unknown =>
    value instanceof Date ? (dates.has(name) ? value.toISOString().slice(0, 10) : momentOf(value)) : value;
  return rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, text(name, value)])));
}

type Column = NonNullable<Awaited<ReturnType<Operation['getSchema']>>>['columns'][number];

/** The number of the type DATE in the driver's protocol. */
const DATE_TYPE = 17;

const isDate = ({ typeDesc }: Column): boolean =>
  typeDesc.types.some(({ primitiveEntry }) => Number(primitiveEntry?.type) === DATE_TYPE);

/** The same text as without Arrow: `2024-03-31 01:30:00.123`, without zeros at the end. */
const momentOf = (moment: Date): string =>
  moment
    .toISOString()
    .replace('T', ' ')
    .replace(/\.?0*Z$/, '');

function authentication(options: DatabricksOptions) {
  if (options.token) return { token: options.token };
  if (options.clientId && options.clientSecret) {
    const { clientId: oauthClientId, clientSecret: oauthClientSecret } = options;
    return {
      authType: 'databricks-oauth',
      oauthClientId,
      oauthClientSecret,
      // On Azure the driver would ask Entra, which doesn't know Databricks' own secrets. dbt-databricks distinguishes them the same way.
      useDatabricksOAuthInAzure: oauthClientSecret.startsWith('dose'),
    } as const;
  }
  throw new MeetupError(
    `There are no credentials for ${options.host}: set DATABRICKS_TOKEN, or DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET.`,
  );
}

function proxyOf(url: string) {
  const { protocol, hostname: host, port, username, password } = new URL(url);
  const isTls = protocol === 'https:';
  const place = { protocol: isTls ? 'https' : 'http', host, port: Number(port || (isTls ? 443 : 80)) } as const;
  return username === '' ? place : { ...place, auth: { username, password } };
}

function statementFailed(error: unknown): Error {
  if (error instanceof MeetupError) return error;
  const message = driverMessage(error);
  return new StatementFailedError(withoutStatement(message), sqlStateOf(error, message), error);
}

/** A message without the statement that Spark repeats at its end: it may hold keys and other values of rows. */
export const withoutStatement = (message: string): string => message.split(/\n+== SQL\b/)[0] ?? message;

/** The driver throws some objects that are not an Error but have a message. */
function driverMessage(error: unknown): string {
  const hasMessage = typeof error === 'object' && error !== null && 'message' in error;
  return hasMessage && typeof error.message === 'string' ? error.message : messageOf(error);
}

function sqlStateOf(error: unknown, message: string): string | undefined {
  const response = error instanceof Error && 'response' in error ? error.response : undefined;
  if (typeof response === 'object' && response !== null && 'sqlState' in response) {
    if (typeof response.sqlState === 'string') return response.sqlState;
  }
  return /SQLSTATE: ([0-9A-Z]{5})/.exec(message)?.[1];
}

function cannotConnect({ host }: DatabricksOptions, error: unknown): Error {
  if (error instanceof MeetupError) return error;
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  const refused = {
    401: `${host} does not accept the credentials: they are wrong or expired. Create new ones, or check where they are set.`,
    403: `${host} does not accept the credentials: they are wrong or expired, or may not use this warehouse from here.`,
  };
  if (status === 401 || status === 403) return new MeetupError(refused[status], { cause: error });
  return new MeetupError(`${host} can't be reached (${driverMessage(error).split('\n')[0]}).`, { cause: error });
}
