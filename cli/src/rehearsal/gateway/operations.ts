import { FETCH_ABSOLUTE, FETCH_COUNT } from '../server-link/repeatable.ts';
import { StatementError } from '../sql/errors.ts';
import { Struct, struct } from '../thrift/struct.ts';
import { i32, i64, string } from '../thrift/values.ts';
import { arrowMetadata, toClientMetadata, toClientRows } from './results.ts';
import type { Operation, Session, Sessions } from './sessions.ts';
import { failed, plainError, STATE, SUCCESS, stopped, UNDER_WAY } from './status.ts';

const FETCH_NEXT = 0;
const FETCH_FIRST = 4;
/** The most rows in memory at once: clients request 100,000, which may be gigabytes if rows are wide. */
const MOST_ROWS = 20_000;
/** The lower bits of the row count hold the count; those above hold the offset, for the server's own statements. */
const COUNT_BITS = 20n;
/**
 * How long the first answer to a statement may wait for its rows (milliseconds). The client can't cancel the statement before it
 * has that answer.
 */
const DIRECT_MS = 1000;

/** Makes a call to Spark on behalf of a session. */
export type Call = (session: Session, name: string, request: Struct) => Promise<Struct>;

/** The life cycle of operations: statements and other calls that return rows. */
export class Operations {
  readonly #sessions: Sessions;
  readonly #call: Call;
  readonly #now: () => number;

  constructor(sessions: Sessions, call: Call, now: () => number) {
    this.#sessions = sessions;
    this.#call = call;
    this.#now = now;
  }

  /** Registers an operation, and includes its results in the answer if the client supports that and they arrive soon. */
  async begun(response: Struct, operation: Operation, request: Struct): Promise<Struct> {
    const handle = response.struct(2);
    if (failed(response) || handle === undefined) return response;
    this.#sessions.addOperation(handle, operation);
    const wanted = request.struct(0x501);
    if (wanted !== undefined) {
      const direct = await this.#directResults(handle, operation, chunkOf(wanted.i64(1)));
      return response.with({ 1281: struct(direct) });
    }
    // A client that doesn't poll expects the answer after the statement has finished.
    if (request.bool(4) === false) await this.#finished(handle, operation);
    return response;
  }

  async status(request: Struct): Promise<Struct> {
    const { handle, operation } = this.#asked(request);
    return this.#statusOf(handle, operation);
  }

  async metadata(request: Struct): Promise<Struct> {
    const { handle, operation } = this.#asked(request);
    return this.#metadataOf(handle, operation);
  }

  async fetch(request: Struct): Promise<Struct> {
    const { handle, operation } = this.#asked(request);
    // Drivers request the next rows before these have arrived, so each call starts where the previous one ended.
    const rows = operation.fetched.then(() => {
      if (request.i32(2) === FETCH_FIRST) operation.position = 0;
      return this.#rows(handle, operation, chunkOf(request.i64(3)));
    });
    const over = (): void => undefined;
    operation.fetched = rows.then(over, over);
    return rows;
  }

  async end(name: 'CancelOperation' | 'CloseOperation', request: Struct): Promise<Struct> {
    const found = this.#sessions.findOperation(request.struct(1));
    // Operations that were read to the end are already closed when the client closes them.
    if (found === undefined) return new Struct([[1, struct(SUCCESS)]]);
    const { handle, operation } = found;
    if (name === 'CloseOperation') this.#sessions.removeOperation(handle);
    const response = await this.#call(operation.session, name, new Struct([[1, struct(handle)]]));
    // An earlier attempt whose answer was lost has closed it, which is what the client wants.
    return failed(response) && name === 'CloseOperation' ? new Struct([[1, struct(SUCCESS)]]) : response;
  }

  async #directResults(handle: Struct, operation: Operation, maxRows: number): Promise<Struct> {
    const status = await this.#settled(handle, operation);
    const begun = new Struct([[1, struct(status)]]);
    if (failed(status) || status.i32(2) !== STATE.finished) return begun;
    const metadata = await this.#metadataOf(handle, operation);
    if (failed(metadata)) return begun;
    const rows = await this.#rows(handle, operation, maxRows);
    const direct = begun.with({ 2: struct(metadata), 3: struct(rows) });
    if (failed(rows) || rows.bool(2) === true) return direct;
    // Nothing is left to fetch, so close the operation now and spare the client the call.
    const closed = await this.end('CloseOperation', new Struct([[1, struct(handle)]]));
    return direct.with({ 4: struct(closed) });
  }

  /** A statement's state once it has ended or the time for the first answer is over. */
  async #settled(handle: Struct, operation: Operation): Promise<Struct> {
    const until = this.#now() + DIRECT_MS;
    for (;;) {
      const status = await this.#statusOf(handle, operation);
      if (failed(status) || !UNDER_WAY.includes(status.i32(2)) || this.#now() >= until) return status;
    }
  }

  /** Waits until a statement has ended. Spark answers when it ends, or after a second. */
  async #finished(handle: Struct, operation: Operation): Promise<void> {
    for (;;) {
      const status = await this.#statusOf(handle, operation);
      if (failed(status) || !UNDER_WAY.includes(status.i32(2))) return;
      this.#sessions.touch(operation.session);
    }
  }

  /** GetOperationStatus' response with a plain error message, Spark's original error, and the number of changed rows. */
  async #statusOf(handle: Struct, operation: Operation): Promise<Struct> {
    const response = await this.#call(operation.session, 'GetOperationStatus', new Struct([[1, struct(handle)]]));
    const state = response.i32(2);
    const stop = stopped(state);
    if (stop !== undefined) {
      const message = string(stop.message);
      return response.with({ 3: string(stop.sqlState), 5: message, 1281: message });
    }
    if (state === STATE.error) return withError(response);
    if (state !== STATE.finished || !operation.isChange) return response;
    const count = await this.#changedRows(handle, operation);
    return count === undefined ? response : response.with({ 11: i64(count) });
  }

  /** The number of rows that a statement changed; undefined if unknown. */
  async #changedRows(handle: Struct, operation: Operation): Promise<bigint | undefined> {
    if (operation.changed !== undefined) return operation.changed;
    const response = await this.#call(operation.session, 'FetchResults', fetchRequest(handle, FETCH_COUNT, 0n));
    const changed = response.struct(3)?.i64(1);
    if (failed(response) || changed === undefined || changed < 0n) return undefined;
    operation.changed = changed;
    return changed;
  }

  async #metadataOf(handle: Struct, operation: Operation): Promise<Struct> {
    if (operation.metadata !== undefined) return operation.metadata;
    const response = await this.#call(operation.session, 'GetResultSetMetadata', new Struct([[1, struct(handle)]]));
    if (failed(response)) throw await this.#whyNot(handle, operation, response);
    const plain = toClientMetadata(response, operation.isStaging);
    operation.metadata = operation.format.arrow
      ? arrowMetadata(
          plain,
          await this.#call(operation.session, 'FetchResults', absolute(handle, 0, 0)),
          operation.format,
        )
      : plain;
    return operation.metadata;
  }

  async #rows(handle: Struct, operation: Operation, count: number): Promise<Struct> {
    const metadata = await this.#metadataOf(handle, operation);
    const asked = operation.isOwn ? absolute(handle, operation.position, count) : next(handle, count);
    const response = await this.#call(operation.session, 'FetchResults', asked);
    if (failed(response)) throw await this.#whyNot(handle, operation, response);
    const rows = toClientRows(response, metadata, count);
    operation.position += rows.count;
    return rows.response;
  }

  /** Why a failed or cancelled statement has no rows, from its state. */
  async #whyNot(handle: Struct, operation: Operation, response: Struct): Promise<StatementError> {
    const status = await this.#statusOf(handle, operation);
    const { message, sqlState } = plainError(
      status.string(5) ?? response.struct(1)?.string(5) ?? 'Spark gave no reason.',
    );
    return new StatementError(message, status.string(3) ?? sqlState ?? 'HY000');
  }

  /** The operation that a request refers to. @throws StatementError if it no longer exists. */
  #asked(request: Struct): { readonly handle: Struct; readonly operation: Operation } {
    const found = this.#sessions.findOperation(request.struct(1));
    if (found?.operation.session.link.alive) return found;
    throw new StatementError(
      "[REHEARSAL_OPERATION_GONE] The statement is gone: its session was closed, or the rehearsal's Spark was restarted. SQLSTATE: 08003",
      '08003',
    );
  }
}

function withError(response: Struct): Struct {
  const said = response.string(5) ?? 'Spark gave no reason.';
  const { message, sqlState } = plainError(said);
  return response.with({
    3: string(sqlState ?? response.string(3) ?? 'HY000'),
    5: string(message),
    1281: string(message),
    1282: string(said),
  });
}

/** The number of rows to fetch for a client's request; the client comes back for the rest. */
function chunkOf(wanted: bigint | undefined): number {
  const rows = Number(wanted ?? 0n);
  return rows > 0 ? Math.min(rows, MOST_ROWS) : MOST_ROWS;
}

const fetchRequest = (handle: Struct, orientation: number, rows: bigint): Struct =>
  new Struct([
    [1, struct(handle)],
    [2, i32(orientation)],
    [3, i64(rows)],
  ]);

const next = (handle: Struct, rows: number): Struct => fetchRequest(handle, FETCH_NEXT, BigInt(rows));

/** A request for rows from an absolute offset, which is safe to repeat. */
const absolute = (handle: Struct, from: number, rows: number): Struct =>
  fetchRequest(handle, FETCH_ABSOLUTE, (BigInt(from) << COUNT_BITS) | BigInt(rows));
