import { messageOf } from '../../config/errors.ts';
import { SparkLostError } from '../server-link/link.ts';
import { StatementError } from '../sql/errors.ts';
import { CATALOG, sparkSetting, toSparkSql } from '../sql/rewrite.ts';
import { literal, quoted } from '../sql/tokens.ts';
import { unsupported } from '../sql/unsupported.ts';
import { exceptionOf, type Message, replyOf } from '../thrift/message.ts';
import { Struct, struct } from '../thrift/struct.ts';
import { bool, i32, i64, string, stringMap } from '../thrift/values.ts';
import type { Tickets } from '../volumes/tickets.ts';
import type { Volumes } from '../volumes/volumes.ts';
import { toClientMetadata, toClientRows } from './results.ts';
import { type Operation, type Session, type SessionLink, Sessions } from './sessions.ts';
import { failed, failure, plainError, plainFailure, SUCCESS } from './status.ts';
import { answerAboutVolumes } from './volume-answers.ts';

/** The newest protocol that Spark's server knows: Hive's V10. */
const HIVE_V10 = 9;
/** And the newest that Databricks' clients know: their V8. */
const DATABRICKS_V8 = 0xa508;

/** States of an operation; all others mean that it has ended, however. */
const STATE = { initialized: 0, running: 1, finished: 2, error: 5, pending: 7 } as const;
const UNDER_WAY: readonly (number | undefined)[] = [STATE.initialized, STATE.running, STATE.pending];
const FETCH_NEXT = 0;
/** How many rows are held at once: clients ask for 100,000, which may be gigabytes where rows are wide. */
const MOST_ROWS = 20_000;

/** Questions about what there is, which Spark answers as it answers statements. */
const QUESTIONS = new Set([
  'GetTypeInfo',
  'GetCatalogs',
  'GetSchemas',
  'GetTables',
  'GetTableTypes',
  'GetColumns',
  'GetFunctions',
  'GetPrimaryKeys',
  'GetCrossReference',
]);

export interface GatewaySite {
  readonly links: {
    /** One call, on whatever connection is free. */
    call(name: string, request: Struct): Promise<Struct>;
    /** A connection for one session. */
    own(): Promise<SessionLink>;
  };
  readonly volumes: Volumes;
  readonly tickets: Tickets;
  readonly now: () => number;
  /** Hears every statement before it runs. */
  readonly heard?: (statement: string) => void;
}

/**
 * Speaks Databricks' flavour of Hive's Thrift protocol with clients, and Hive's own with Spark's server.
 * What they understand alike passes through unread.
 */
export class Gateway {
  readonly sessions: Sessions;
  readonly #site: GatewaySite;

  constructor(site: GatewaySite) {
    this.#site = site;
    this.sessions = new Sessions(site.now);
  }

  /**
   * Answers one call.
   * @param origin how this client reaches this gateway, as in `https://host:port`.
   */
  async answer(call: Message, origin: string): Promise<Message> {
    const request = call.body.struct(1);
    if (request === undefined) return exceptionOf(call, 'The call has no request.', 7);
    try {
      const response = await this.#respond(call.name, request, origin);
      return response === undefined
        ? exceptionOf(call, `The rehearsal doesn't have ${call.name}.`, 1)
        : replyOf(call, plainFailure(response));
    } catch (error) {
      if (error instanceof StatementError || error instanceof SparkLostError) return replyOf(call, failure(error));
      return exceptionOf(call, messageOf(error), 6);
    }
  }

  /** Closes sessions that nobody has used for so long (milliseconds). */
  async closeIdle(idleMs: number): Promise<void> {
    await Promise.all(this.sessions.stale(idleMs).map((session) => this.#close(session)));
  }

  async #respond(name: string, request: Struct, origin: string): Promise<Struct | undefined> {
    if (name === 'OpenSession') return this.#openSession(request);
    if (name === 'CloseSession') return this.#closeSession(request);
    if (name === 'ExecuteStatement') return this.#execute(request, origin);
    if (QUESTIONS.has(name)) return this.#ask(name, request);
    if (name === 'GetInfo') return this.#site.links.call(name, this.#forSession(request));
    if (name === 'GetOperationStatus') return this.#status(request);
    if (name === 'GetResultSetMetadata') return this.#metadata(request);
    if (name === 'FetchResults') return this.#fetch(request);
    if (name === 'CancelOperation' || name === 'CloseOperation') return this.#end(name, request);
    return undefined;
  }

  async #openSession(request: Struct): Promise<Struct> {
    const namespace = request.struct(1284);
    const catalog = namespace?.string(1);
    if (catalog !== undefined && ![CATALOG, 'spark_catalog', ''].includes(catalog.toLowerCase())) {
      throw new StatementError(
        `[NO_SUCH_CATALOG_EXCEPTION] The rehearsal has no catalog ${catalog}: its only one is ${CATALOG}. SQLSTATE: 42704`,
        '42704',
      );
    }
    const link = await this.#site.links.own();
    const response = await link.call(
      'OpenSession',
      new Struct([
        [1, i32(HIVE_V10)],
        [2, string('rehearsal')],
        [4, stringMap(sparkConfiguration(request.stringMap(4)))],
      ]),
    );
    const handle = response.struct(3);
    if (handle === undefined) {
      link.close();
      return response;
    }
    const session = this.sessions.add(handle, link);
    const schema = await this.#enter(session, namespace?.string(2));
    const entered = new Struct([
      [1, string(CATALOG)],
      [2, string(schema)],
    ]);
    return response.with({ 2: i32(DATABRICKS_V8), 1284: struct(entered), 1285: bool(true) });
  }

  /** Databricks opens a session in a schema that is yet to be made: so does this, in the default one. */
  async #enter(session: Session, schema: string | undefined): Promise<string> {
    if (schema === undefined || schema === '') return 'default';
    const found = await this.#rowsOf(session, `show schemas in spark_catalog like ${literal(schema)}`);
    if (found === 0) return 'default';
    await this.#rowsOf(session, `use spark_catalog.${quoted(schema)}`);
    return schema;
  }

  /** Runs a statement of the gateway's own. @returns how many rows it gave, up to one. */
  async #rowsOf(session: Session, sql: string): Promise<number> {
    const request = new Struct([
      [1, struct(session.handle)],
      [2, string(sql)],
    ]);
    const response = await session.link.call('ExecuteStatement', request);
    const handle = response.struct(2);
    if (failed(response) || handle === undefined) return 0;
    const rows = await session.link.call('FetchResults', fetchRequest(handle, 1));
    await session.link.call('CloseOperation', new Struct([[1, struct(handle)]]));
    const [column] = rows.struct(3)?.structs(3) ?? [];
    const [kind] = column?.ids() ?? [];
    return kind === undefined ? 0 : (column?.struct(kind)?.length(1) ?? 0);
  }

  async #closeSession(request: Struct): Promise<Struct> {
    const session = this.sessions.find(request.struct(1));
    // It is closed already, and that is what the client wants.
    return session === undefined ? new Struct([[1, struct(SUCCESS)]]) : this.#close(session);
  }

  /** Closes a session, with its statements and its connection. */
  async #close(session: Session): Promise<Struct> {
    // Before anything is waited for: nobody is to use it any more, or to close it once more.
    this.sessions.remove(session);
    if (!session.link.alive) return new Struct([[1, struct(SUCCESS)]]);
    try {
      return await session.link.call('CloseSession', new Struct([[1, struct(session.handle)]]));
    } finally {
      session.link.close();
    }
  }

  async #execute(request: Struct, origin: string): Promise<Struct> {
    const session = this.#session(request);
    const statement = request.string(2) ?? '';
    this.#site.heard?.(statement);
    if (request.length(1288) > 0) {
      throw new StatementError(
        "[REHEARSAL_UNSUPPORTED] The rehearsal doesn't have parameters of statements: write the values into the SQL. SQLSTATE: 0A000",
        '0A000',
      );
    }
    const refused = unsupported(statement);
    if (refused !== undefined) throw refused;
    const { volumes, tickets } = this.#site;
    const about = await answerAboutVolumes(statement, { volumes, tickets, origin });
    const sql = about?.sql ?? toSparkSql(statement, { volumePath: (path) => volumes.file(path) });
    const timeout = request.i64(5);
    const response = await this.#site.links.call(
      'ExecuteStatement',
      new Struct([
        [1, struct(session.handle)],
        [2, string(sql)],
        [4, bool(true)],
      ]).with({
        5: timeout === undefined ? undefined : i64(timeout),
      }),
    );
    return this.#begun(response, { session, isStaging: about?.isStaging ?? false }, request);
  }

  async #ask(name: string, request: Struct): Promise<Struct> {
    const session = this.#session(request);
    const catalog = request.string(2);
    const asked = this.#forSession(request).with({
      ...(name !== 'GetCatalogs' && catalog?.toLowerCase() === CATALOG ? { 2: string('spark_catalog') } : {}),
    });
    const response = await this.#site.links.call(name, asked);
    return this.#begun(response, { session, isStaging: false }, request);
  }

  /** Remembers an operation, and sends its results along where the client wants them so and they come soon. */
  async #begun(response: Struct, operation: Operation, request: Struct): Promise<Struct> {
    const handle = response.struct(2);
    if (failed(response) || handle === undefined) return response;
    this.sessions.addOperation(handle, operation);
    const wanted = request.struct(1281);
    if (wanted !== undefined) {
      const direct = await this.#directResults(handle, operation, chunkOf(wanted.i64(1)));
      return response.with({ 1281: struct(direct) });
    }
    // Who does not poll expects an answer when all is done.
    if (request.bool(4) === false) await this.#finished(handle, operation);
    return response;
  }

  async #directResults(handle: Struct, operation: Operation, maxRows: number): Promise<Struct> {
    // Spark answers when the operation is done, or after five seconds.
    const status = plainStatus(await this.#site.links.call('GetOperationStatus', new Struct([[1, struct(handle)]])));
    const begun = new Struct([[1, struct(status)]]);
    if (failed(status) || status.i32(2) !== STATE.finished) return begun;
    const metadata = await this.#metadataOf(handle, operation);
    if (failed(metadata)) return begun;
    const rows = toClientRows(
      await this.#site.links.call('FetchResults', fetchRequest(handle, maxRows)),
      metadata,
      maxRows,
    );
    const direct = begun.with({ 2: struct(metadata), 3: struct(rows) });
    if (failed(rows) || rows.bool(2) === true) return direct;
    // Nothing is left to fetch, so the client need not come back to say that it is through.
    const closed = await this.#end('CloseOperation', new Struct([[1, struct(handle)]]));
    return direct.with({ 4: struct(closed) });
  }

  /** Waits until a statement has ended. Spark answers when it has, or after five seconds. */
  async #finished(handle: Struct, { session }: Operation): Promise<void> {
    for (;;) {
      const status = await this.#site.links.call('GetOperationStatus', new Struct([[1, struct(handle)]]));
      if (failed(status) || !UNDER_WAY.includes(status.i32(2))) return;
      this.sessions.touch(session);
    }
  }

  async #status(request: Struct): Promise<Struct> {
    const handle = this.#operationHandle(request);
    return plainStatus(await this.#site.links.call('GetOperationStatus', new Struct([[1, struct(handle)]])));
  }

  async #metadata(request: Struct): Promise<Struct> {
    const handle = this.#operationHandle(request);
    return this.#metadataOf(handle, this.#operation(handle));
  }

  async #metadataOf(handle: Struct, operation: Operation): Promise<Struct> {
    if (operation.metadata !== undefined) return operation.metadata;
    const response = await this.#site.links.call('GetResultSetMetadata', new Struct([[1, struct(handle)]]));
    if (failed(response)) return response;
    operation.metadata = toClientMetadata(response, operation.isStaging);
    return operation.metadata;
  }

  async #fetch(request: Struct): Promise<Struct> {
    const handle = this.#operationHandle(request);
    const metadata = await this.#metadataOf(handle, this.#operation(handle));
    if (failed(metadata)) return metadata;
    const rows = chunkOf(request.i64(3));
    const asked = request
      .with(Object.fromEntries(request.ids().flatMap((id) => (id > 4 ? [[id, undefined]] : []))))
      .with({ 3: i64(BigInt(rows)) });
    return toClientRows(await this.#site.links.call('FetchResults', asked), metadata, rows);
  }

  async #end(name: 'CancelOperation' | 'CloseOperation', request: Struct): Promise<Struct> {
    const handle = request.struct(1);
    // A client closes what it has read to the end, which is closed by then.
    if (this.sessions.findOperation(handle) === undefined) return new Struct([[1, struct(SUCCESS)]]);
    const response = await this.#site.links.call(name, new Struct(handle ? [[1, struct(handle)]] : []));
    if (name === 'CloseOperation') this.sessions.removeOperation(handle);
    return response;
  }

  /** A request without what only Databricks knows of. */
  #forSession(request: Struct): Struct {
    this.#session(request);
    return request.with(Object.fromEntries(request.ids().flatMap((id) => (id > 1000 ? [[id, undefined]] : []))));
  }

  #session(request: Struct): Session {
    const session = this.sessions.find(request.struct(1));
    if (session?.link.alive) return session;
    throw new StatementError(
      "[REHEARSAL_SESSION_GONE] The session is closed: it was idle for too long, or the rehearsal's Spark was started anew. Open another. SQLSTATE: 08003",
      '08003',
    );
  }

  #operationHandle(request: Struct): Struct {
    const handle = request.struct(1);
    this.#operation(handle);
    return handle ?? new Struct();
  }

  #operation(handle: Struct | undefined): Operation {
    const operation = this.sessions.findOperation(handle);
    if (operation?.session.link.alive) return operation;
    throw new StatementError(
      "[REHEARSAL_OPERATION_GONE] The statement is gone: its session was closed, or the rehearsal's Spark was started anew. SQLSTATE: 08003",
      '08003',
    );
  }
}

/** How many rows to ask for where a client wants so many; it comes back for the rest. */
function chunkOf(wanted: bigint | undefined): number {
  const rows = Number(wanted ?? 0n);
  return rows > 0 ? Math.min(rows, MOST_ROWS) : MOST_ROWS;
}

function fetchRequest(handle: Struct, maxRows: number): Struct {
  return new Struct([
    [1, struct(handle)],
    [2, i32(FETCH_NEXT)],
    [3, i64(BigInt(maxRows))],
  ]);
}

/** GetOperationStatus' response with what went wrong said plainly, and Spark's own words for who asks further. */
function plainStatus(response: Struct): Struct {
  if (response.i32(2) !== STATE.error) return response;
  const said = response.string(5) ?? 'Spark gave no reason.';
  const { message, sqlState } = plainError(said);
  return response.with({
    3: string(sqlState ?? response.string(3) ?? 'HY000'),
    5: string(message),
    1281: string(message),
    1282: string(said),
  });
}

/** What a client sets for its session, as far as Spark has it. */
function sparkConfiguration(configuration: ReadonlyMap<string, string>): Map<string, string> {
  const settings = [...configuration].map(([name, value]) => [sparkSetting(name), value] as const);
  return new Map(
    settings
      .filter(([name]) => /^spark\.sql\.(?!thriftserver)/.test(name))
      .map(([name, value]) => [`set:hiveconf:${name}`, value]),
  );
}
