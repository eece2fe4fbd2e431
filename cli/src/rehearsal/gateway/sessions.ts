import type { SparkLink } from '../server-link/link.ts';
import type { Struct } from '../thrift/struct.ts';
import type { Format } from './overlay.ts';

/** The part of a connection that a session needs. */
export type SessionLink = Pick<SparkLink, 'alive' | 'call' | 'close'>;

/** A client's session, with its own connection to Spark. */
export interface Session {
  readonly id: string;
  readonly link: SessionLink;
  readonly handle: Struct;
  lastUsed: number;
}

/** A statement, or another call that returns rows. */
export interface Operation {
  readonly session: Session;
  /** Whether its row makes the client transfer a file. */
  readonly isStaging: boolean;
  /** Whether it changes rows and so reports how many. */
  readonly isChange: boolean;
  /**
   * Whether it runs as the rehearsal's own Statement, which returns rows from any offset; Spark's operations only return the
   * next ones.
   */
  readonly isOwn: boolean;
  readonly format: Format;
  /** How many rows the client has received. */
  position: number;
  /** Resolves when all rows requested so far have been fetched. */
  fetched: Promise<void>;
  /** The number of changed rows, once known. */
  changed?: bigint;
  /** The metadata that was sent to the client. */
  metadata?: Struct;
}

/** The clients' open sessions and operations. */
export class Sessions {
  readonly #now: () => number;
  readonly #sessions = new Map<string, Session>();
  /** With Spark's full handles, because some drivers send back only the identifier, which Spark doesn't recognize. */
  readonly #operations = new Map<string, { readonly handle: Struct; readonly operation: Operation }>();

  constructor(now: () => number) {
    this.#now = now;
  }

  get size(): number {
    return this.#sessions.size;
  }

  add(handle: Struct, link: SessionLink): Session {
    const session: Session = { id: idOf(handle), handle, link, lastUsed: this.#now() };
    this.#sessions.set(session.id, session);
    return session;
  }

  /** Finds the session of a handle and resets its idle time. */
  find(handle: Struct | undefined): Session | undefined {
    const session = handle && this.#sessions.get(idOf(handle));
    if (session !== undefined) this.touch(session);
    return session;
  }

  /** Resets a session's idle time. */
  touch(session: Session): void {
    session.lastUsed = this.#now();
  }

  /** Forgets a session and its operations. The caller still has to close its connection. */
  remove(session: Session): void {
    this.#sessions.delete(session.id);
    for (const [id, { operation }] of this.#operations) if (operation.session === session) this.#operations.delete(id);
  }

  addOperation(handle: Struct, operation: Operation): void {
    this.#operations.set(idOf(handle), { handle, operation });
  }

  findOperation(handle: Struct | undefined): { readonly handle: Struct; readonly operation: Operation } | undefined {
    const found = handle && this.#operations.get(idOf(handle));
    if (found !== undefined) this.touch(found.operation.session);
    return found;
  }

  removeOperation(handle: Struct | undefined): void {
    if (handle !== undefined) this.#operations.delete(idOf(handle));
  }

  /** Sessions that have been idle for this long (milliseconds), and those whose Spark is gone. */
  stale(idleMs: number): Session[] {
    const before = this.#now() - idleMs;
    return [...this.#sessions.values()].filter(({ lastUsed, link }) => lastUsed < before || !link.alive);
  }
}

/** Handles of sessions and of operations both begin with an identifier. */
const idOf = (handle: Struct): string => handle.struct(1)?.binary(1)?.toString('hex') ?? '';
