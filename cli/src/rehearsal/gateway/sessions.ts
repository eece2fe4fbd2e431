import type { SparkLink } from '../server-link/link.ts';
import type { Struct } from '../thrift/struct.ts';
import type { Format } from './overlay.ts';

/** What a session needs of its connection. */
export type SessionLink = Pick<SparkLink, 'alive' | 'call' | 'close'>;

/** A session that a client opened, on a connection of its own. */
export interface Session {
  readonly id: string;
  readonly link: SessionLink;
  readonly handle: Struct;
  lastUsed: number;
}

/** A statement, or another question with rows for an answer. */
export interface Operation {
  readonly session: Session;
  /** Whether its row tells the client to transfer a file. */
  readonly isStaging: boolean;
  /** Whether it changes rows, and so has a number of them. */
  readonly isChange: boolean;
  /** Whether it is run by the rehearsal's side of Spark, which gives rows from any place on; Spark's own gives the next ones only. */
  readonly isOwn: boolean;
  readonly format: Format;
  /** How many rows the client has got. */
  position: number;
  /** Resolves when all that was asked for so far has been fetched. */
  fetched: Promise<void>;
  /** How many rows it has changed, once that is known. */
  changed?: bigint;
  /** As it was sent to the client. */
  metadata?: Struct;
}

/** What clients have open. */
export class Sessions {
  readonly #now: () => number;
  readonly #sessions = new Map<string, Session>();
  /** With the handles that Spark gave them: some drivers send the identifier back without the rest, which Spark does not know again. */
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

  /** The session that a handle names; using it keeps it open. */
  find(handle: Struct | undefined): Session | undefined {
    const session = handle && this.#sessions.get(idOf(handle));
    if (session !== undefined) this.touch(session);
    return session;
  }

  /** Keeps a session open that is waited for. */
  touch(session: Session): void {
    session.lastUsed = this.#now();
  }

  /** From here on nobody finds the session or its statements. Its connection is still to be closed. */
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

  /** Sessions that nobody has used for so long (milliseconds), and those whose Spark is gone. */
  stale(idleMs: number): Session[] {
    const before = this.#now() - idleMs;
    return [...this.#sessions.values()].filter(({ lastUsed, link }) => lastUsed < before || !link.alive);
  }
}

/** Handles of sessions and of operations begin alike: with an identifier. */
const idOf = (handle: Struct): string => handle.struct(1)?.binary(1)?.toString('hex') ?? '';
