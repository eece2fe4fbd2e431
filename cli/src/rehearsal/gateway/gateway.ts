import { messageOf } from '../../config/errors.ts';
import { SparkLostError } from '../server-link/link.ts';
import { StatementError } from '../sql/errors.ts';
import { CATALOG, isCatalogName, sparkSetting, toSparkSql } from '../sql/rewrite.ts';
import { isCode, literal, quoted, tokens } from '../sql/tokens.ts';
import { unsupported } from '../sql/unsupported.ts';
import { exceptionOf, type Message, replyOf } from '../thrift/message.ts';
import { Struct, struct } from '../thrift/struct.ts';
import { bool, i32, i64, string, stringMap } from '../thrift/values.ts';
import type { Tickets } from '../volumes/tickets.ts';
import type { Volumes } from '../volumes/volumes.ts';
import { metadataQuery } from './metadata.ts';
import { type Call, Operations } from './operations.ts';
import { type Format, overlayOf } from './overlay.ts';
import { type Operation, type Session, type SessionLink, Sessions } from './sessions.ts';
import { failed, failure, plainFailure, SUCCESS } from './status.ts';
import { answerAboutVolumes } from './volume-answers.ts';

/** The newest protocol version that Spark's server supports: Hive's V10. */
const HIVE_V10 = 9;
/** The newest protocol version that Databricks' clients support: V8. */
const DATABRICKS_V8 = 0xa508;

/** Metadata calls that are left to Spark. */
const SPARK_ANSWERS = new Set(['GetTypeInfo', 'GetFunctions']);

/** First words of statements that may change rows and so report how many. */
const CHANGES = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE', 'WITH', 'FROM']);

const PLAIN: Format = { arrow: false, lz4: false };

export interface GatewayOptions {
  readonly links: {
    /** Makes one call on any free connection; repeats it if its answer was lost, repeating is safe and it is still wanted. */
    call(name: string, request: Struct, isWanted?: () => boolean): Promise<Struct>;
    /** Opens a connection for one session. */
    own(): Promise<SessionLink>;
  };
  readonly volumes: Volumes;
  readonly tickets: Tickets;
  readonly now: () => number;
  /** Called with every statement before it runs. */
  readonly onStatement?: (statement: string) => void;
}

/**
 * Speaks Databricks' flavour of Hive's Thrift protocol with clients, and Hive's own with Spark's server.
 * What both have in common passes through without being decoded.
 */
export class Gateway {
  readonly sessions: Sessions;
  readonly #options: GatewayOptions;
  readonly #operations: Operations;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.sessions = new Sessions(options.now);
    const call: Call = (session, name, request) => options.links.call(name, request, () => session.link.alive);
    this.#operations = new Operations(this.sessions, call, options.now);
  }

  /**
   * Answers one call.
   * @param origin the URL at which this client reaches the gateway, such as `https://host:port`.
   */
  async answer(call: Message, origin: string): Promise<Message> {
    const request = call.body.struct(1);
    if (request === undefined) return exceptionOf(call, 'The call has no request.', 7);
    try {
      const response = await this.#respond(call.name, request, origin);
      return response === undefined
        ? exceptionOf(call, `The rehearsal doesn't support ${call.name}.`, 1)
        : replyOf(call, plainFailure(response));
    } catch (error) {
      if (error instanceof StatementError || error instanceof SparkLostError) return replyOf(call, failure(error));
      return exceptionOf(call, messageOf(error), 6);
    }
  }

  /** Closes sessions that have been idle for this long (milliseconds). */
  async closeIdle(idleMs: number): Promise<void> {
    await Promise.all(this.sessions.stale(idleMs).map((session) => this.#close(session)));
  }

  async #respond(name: string, request: Struct, origin: string): Promise<Struct | undefined> {
    if (name === 'OpenSession') return this.#openSession(request);
    if (name === 'CloseSession') return this.#closeSession(request);
    if (name === 'ExecuteStatement') return this.#execute(request, origin);
    if (SPARK_ANSWERS.has(name)) return this.#ask(name, request);
    if (name === 'GetInfo') return this.#options.links.call(name, this.#forSession(request));
    if (name === 'GetOperationStatus') return this.#operations.status(request);
    if (name === 'GetResultSetMetadata') return this.#operations.metadata(request);
    if (name === 'FetchResults') return this.#operations.fetch(request);
    if (name === 'CancelOperation' || name === 'CloseOperation') return this.#operations.end(name, request);
    return this.#answerMetadata(name, request);
  }

  async #openSession(request: Struct): Promise<Struct> {
    const namespace = request.struct(1284);
    const catalog = namespace?.string(1);
    if (catalog !== undefined && catalog !== '' && !isCatalogName(catalog)) {
      throw new StatementError(
        `[NO_SUCH_CATALOG_EXCEPTION] The rehearsal has no catalog ${catalog}: its only one is ${CATALOG}. SQLSTATE: 42704`,
        '42704',
      );
    }
    const link = await this.#options.links.own();
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

  /** Databricks opens sessions even in schemas that don't exist yet. Here, such a session starts in the default schema. */
  async #enter(session: Session, schema: string | undefined): Promise<string> {
    if (schema === undefined || schema === '') return 'default';
    if (!(await this.#hasRow(session, `show schemas in spark_catalog like ${literal(schema)}`))) return 'default';
    await this.#hasRow(session, `use spark_catalog.${quoted(schema)}`);
    return schema;
  }

  /** Whether one of the gateway's own statements returns a row. */
  async #hasRow(session: Session, sql: string): Promise<boolean> {
    const column = await this.#firstOf(session, sql);
    const [kind] = column?.ids() ?? [];
    return kind !== undefined && (column?.struct(kind)?.length(1) ?? 0) > 0;
  }

  async #currentSchema(session: Session): Promise<string> {
    const column = await this.#firstOf(session, 'select current_schema()');
    return column?.struct(7)?.strings(1)[0] ?? 'default';
  }

  /** Runs one of the gateway's own statements. @returns the first column of the first row, if there is one. */
  async #firstOf(session: Session, sql: string): Promise<Struct | undefined> {
    const request = new Struct([
      [1, struct(session.handle)],
      [2, string(sql)],
    ]);
    const response = await session.link.call('ExecuteStatement', request);
    const handle = response.struct(2);
    if (failed(response) || handle === undefined) return undefined;
    const rows = await session.link.call('FetchResults', firstRow(handle));
    await session.link.call('CloseOperation', new Struct([[1, struct(handle)]]));
    return rows.struct(3)?.structs(3)[0];
  }

  async #closeSession(request: Struct): Promise<Struct> {
    const session = this.sessions.find(request.struct(1));
    // It is already closed, which is what the client wants.
    return session === undefined ? new Struct([[1, struct(SUCCESS)]]) : this.#close(session);
  }

  /** Closes a session, with its statements and its connection. */
  async #close(session: Session): Promise<Struct> {
    // Before the first await, so that nobody uses it or closes it a second time.
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
    this.#options.onStatement?.(statement);
    const read = tokens(statement);
    const refused = unsupported(read);
    if (refused !== undefined) throw refused;
    const { volumes, tickets } = this.#options;
    const currentSchema = (): Promise<string> => this.#currentSchema(session);
    const about = await answerAboutVolumes(read, { volumes, tickets, origin, currentSchema });
    const sql = about?.sql ?? toSparkSql(read, { volumePath: (path) => volumes.file(path) });
    const { overlay, format } = overlayOf(request);
    return this.#run(request, { session, sql, overlay, format, isStaging: about?.isStaging ?? false });
  }

  /** Answers a metadata call with the rows of a query; undefined for unknown calls. */
  async #answerMetadata(name: string, request: Struct): Promise<Struct | undefined> {
    const sql = metadataQuery(name, request);
    if (sql === undefined) return undefined;
    const session = this.#session(request);
    const { overlay } = overlayOf(new Struct());
    return this.#run(request.with({ 4: undefined, 5: undefined }), {
      session,
      sql,
      overlay,
      format: PLAIN,
      isStaging: false,
    });
  }

  async #run(
    request: Struct,
    { sql, overlay, ...rest }: Pick<Operation, 'session' | 'format' | 'isStaging'> & StatementText,
  ): Promise<Struct> {
    const timeout = request.i64(5);
    const asked = new Struct([
      [1, struct(rest.session.handle)],
      [2, string(sql)],
      [3, stringMap(overlay)],
      [4, bool(true)],
    ]).with({ 5: timeout === undefined ? undefined : i64(timeout) });
    const { alive } = rest.session.link;
    const response = await this.#options.links.call('ExecuteStatement', asked, () => alive && rest.session.link.alive);
    const isChange = CHANGES.has(firstWord(sql));
    return this.#operations.begun(
      response,
      { ...rest, isChange, isOwn: true, position: 0, fetched: Promise.resolve() },
      request,
    );
  }

  async #ask(name: string, request: Struct): Promise<Struct> {
    const session = this.#session(request);
    const catalog = request.string(2);
    const isOurs = catalog !== undefined && isCatalogName(catalog);
    const asked = this.#forSession(request).with(isOurs ? { 2: string('spark_catalog') } : {});
    const response = await this.#options.links.call(name, asked);
    const operation = {
      session,
      isStaging: false,
      isChange: false,
      isOwn: false,
      format: PLAIN,
      position: 0,
      fetched: Promise.resolve(),
    };
    return this.#operations.begun(response, operation, request);
  }

  /** Removes Databricks' own fields from a request. */
  #forSession(request: Struct): Struct {
    this.#session(request);
    return request.with(Object.fromEntries(request.ids().flatMap((id) => (id > 1000 ? [[id, undefined]] : []))));
  }

  #session(request: Struct): Session {
    const session = this.sessions.find(request.struct(1));
    if (session?.link.alive) return session;
    throw new StatementError(
      "[REHEARSAL_SESSION_GONE] The session is closed: it was idle for too long, or the rehearsal's Spark was restarted. Open another. SQLSTATE: 08003",
      '08003',
    );
  }
}

interface StatementText {
  readonly sql: string;
  readonly overlay: ReadonlyMap<string, string>;
}

const firstWord = (sql: string): string => tokens(sql).find(isCode)?.text.toUpperCase() ?? '';

const firstRow = (handle: Struct): Struct =>
  new Struct([
    [1, struct(handle)],
    [2, i32(0)],
    [3, i64(1n)],
  ]);

/** The client's session settings that Spark supports. */
function sparkConfiguration(configuration: ReadonlyMap<string, string>): Map<string, string> {
  const settings = [...configuration].map(([name, value]) => [sparkSetting(name), value] as const);
  return new Map(
    settings
      .filter(([name]) => /^spark\.sql\.(?!thriftserver|catalog\.|hive\.|variable\.|extensions)/.test(name))
      .map(([name, value]) => [`set:hiveconf:${name}`, value]),
  );
}
