import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { z } from 'zod';
import { messageOf } from '../config/errors.ts';
import { EngineLostError, EngineRefusedError } from './errors.ts';
import { type EngineEvent, type EngineMessage, helloSchema, messageSchema, PROTOCOL } from './protocol.ts';

/**
 * How the client distinguishes a hang from long work. It counts checks instead of time, so that a suspended laptop is no hang.
 */
export interface Patience {
  /** Milliseconds between checks. */
  readonly checkEveryMs: number;
  /** Consecutive checks without a message from the engine, which sends a heartbeat every second. */
  readonly silentChecks: number;
  /** Consecutive checks in which local work used no CPU time and no node started or ended. */
  readonly idleChecks: number;
}

export const defaultPatience: Patience = { checkEveryMs: 1000, silentChecks: 20, idleChecks: 90 };

/** CPU time that counts as work rather than as the heartbeat itself (milliseconds per check). */
const WORKING_CPU_MS = 10;

interface Call {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly onEvent: ((event: EngineEvent) => void) | undefined;
  silent: number;
  idle: number;
  cpuMs: number;
}

export interface CallOptions {
  readonly onEvent?: ((event: EngineEvent) => void) | undefined;
}

/** A client's end of the protocol: requests with ids, events, answers. */
export class EngineConnection {
  readonly #socket: Socket;
  readonly #patience: Patience;
  readonly #calls = new Map<number, Call>();
  #nextId = 1;
  #rest = '';
  #lost: EngineLostError | undefined;
  #watch: NodeJS.Timeout | undefined;

  private constructor(socket: Socket, patience: Patience) {
    this.#socket = socket;
    this.#patience = patience;
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => this.#receive(chunk));
    socket.on('close', () => this.#fail(new EngineLostError('The engine closed the connection.')));
    socket.on('error', (error) => this.#fail(new EngineLostError(messageOf(error), { cause: error })));
  }

  /**
   * Connects to a socket and authenticates with the token.
   * @throws EngineLostError if nothing listens; EngineRefusedError if the engine has another token or protocol.
   */
  static async open(path: string, token: string, patience: Patience = defaultPatience): Promise<EngineConnection> {
    const socket = connect(path);
    try {
      await once(socket, 'connect');
    } catch (error) {
      throw new EngineLostError(messageOf(error), { cause: error });
    }
    const connection = new EngineConnection(socket, patience);
    try {
      await connection.#request(0, { op: 'hello', token, protocol: PROTOCOL }, helloSchema, {});
    } catch (error) {
      connection.close();
      throw error;
    }
    return connection;
  }

  get open(): boolean {
    return this.#lost === undefined;
  }

  /** Sends a request. @param sent receives the id of the call, with which it can be cancelled. */
  call<T>(
    op: string,
    fields: object,
    schema: z.ZodType<T>,
    options: CallOptions & { sent?: (id: number) => void } = {},
  ): Promise<T> {
    const id = this.#nextId++;
    options.sent?.(id);
    return this.#request(id, { ...fields, op }, schema, options);
  }

  /** Asks the engine to cancel a request; the request then fails with code `cancelled`. */
  cancel(request: number): void {
    this.#send({ id: this.#nextId++, op: 'cancel', request });
  }

  close(): void {
    this.#fail(new EngineLostError('The connection to the engine was closed.'));
    this.#socket.destroy();
  }

  async #request<T>(id: number, document: object, schema: z.ZodType<T>, options: CallOptions): Promise<T> {
    const answer = await new Promise<unknown>((resolve, reject) => {
      if (this.#lost !== undefined) {
        reject(this.#lost);
        return;
      }
      this.#calls.set(id, { resolve, reject, onEvent: options.onEvent, silent: 0, idle: 0, cpuMs: 0 });
      this.#watch ??= setInterval(() => this.#look(), this.#patience.checkEveryMs);
      this.#send({ ...document, id });
    });
    return schema.parse(answer);
  }

  #send(document: object): void {
    if (this.#lost === undefined) this.#socket.write(`${JSON.stringify(document)}\n`);
  }

  #receive(chunk: string): void {
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') continue;
      try {
        this.#take(messageSchema.parse(JSON.parse(line)));
      } catch (error) {
        this.#fail(new EngineLostError(`The engine sent an invalid message: ${messageOf(error)}`, { cause: error }));
        this.#socket.destroy();
        return;
      }
    }
  }

  #take(message: EngineMessage): void {
    const call = this.#calls.get(message.id);
    if (call === undefined) return;
    call.silent = 0;
    switch (message.type) {
      case 'event':
        call.idle = 0;
        call.onEvent?.(message.event);
        return;
      case 'heartbeat':
        if (!message.local || message.cpuMs - call.cpuMs > WORKING_CPU_MS) call.idle = 0;
        call.cpuMs = message.cpuMs;
        return;
      case 'result':
        this.#settle(message.id);
        call.resolve(message.result);
        return;
      case 'error':
        this.#settle(message.id);
        call.reject(new EngineRefusedError(message.error.code, message.error.message, message.error.detail));
        return;
    }
  }

  #settle(id: number): void {
    this.#calls.delete(id);
    if (this.#calls.size > 0) return;
    clearInterval(this.#watch);
    this.#watch = undefined;
  }

  #look(): void {
    for (const call of this.#calls.values()) {
      call.silent += 1;
      call.idle += 1;
      const silent = call.silent > this.#patience.silentChecks;
      if (!silent && call.idle <= this.#patience.idleChecks) continue;
      this.#fail(
        new EngineLostError(silent ? 'The engine does not answer.' : 'The engine is not working on any request.'),
      );
      this.#socket.destroy();
      return;
    }
  }

  #fail(error: EngineLostError): void {
    this.#lost ??= error;
    clearInterval(this.#watch);
    this.#watch = undefined;
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const call of calls) call.reject(this.#lost);
  }
}
