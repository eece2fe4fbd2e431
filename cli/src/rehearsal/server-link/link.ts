import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { callOf, decodeMessage, encodeMessage, KIND } from '../thrift/message.ts';
import type { Struct } from '../thrift/struct.ts';

/** Spark has ended, or the connection to it broke. */
export class SparkLostError extends Error {
  constructor(why: string, options?: ErrorOptions) {
    super(why, options);
    this.name = 'SparkLostError';
  }
}

/** Spark answered a call with a Thrift exception. */
export class SparkRefusedError extends Error {
  constructor(why: string) {
    super(why);
    this.name = 'SparkRefusedError';
  }
}

/** The status bytes of the handshake's messages. */
const SASL = { start: 1, ok: 2, complete: 5 } as const;

/** The largest plausible frame (bytes). */
const LARGEST_FRAME = 1 << 30;

/**
 * One connection to Spark's Thrift server: a SASL PLAIN handshake, then frames with a length and a message each. The server
 * answers calls in order, one at a time.
 */
export class SparkLink {
  readonly #socket: Socket;
  #received: Buffer[] = [];
  #size = 0;
  #wake: (() => void) | undefined;
  #lost: SparkLostError | undefined;
  #sequence = 0;
  /** Resolves when all calls so far have been answered. */
  #answered: Promise<unknown> = Promise.resolve();

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => {
      this.#received.push(chunk);
      this.#size += chunk.length;
      this.#wake?.();
    });
    socket.on('error', (error) => this.#lose(error.message));
    socket.on('close', () => this.#lose('it closed the connection'));
  }

  /** @throws SparkLostError if nothing listens on the port, or the handshake is rejected. */
  static async open(port: number, secret: string): Promise<SparkLink> {
    const socket = connect(port, '127.0.0.1');
    const link = new SparkLink(socket);
    try {
      await once(socket, 'connect');
    } catch (error) {
      throw new SparkLostError("The rehearsal's Spark does not answer.", { cause: error });
    }
    try {
      await link.#handshake(secret);
      return link;
    } catch (error) {
      link.close();
      throw error;
    }
  }

  get alive(): boolean {
    return this.#lost === undefined;
  }

  /**
   * Makes a call once all earlier calls have been answered.
   * @throws SparkLostError if the connection breaks; SparkRefusedError if the server doesn't know the call.
   */
  async call(name: string, request: Struct): Promise<Struct> {
    const answer = this.#answered.then(() => this.#exchange(name, request));
    // Don't keep the answer alive, which may be large.
    const over = (): void => undefined;
    this.#answered = answer.then(over, over);
    return answer;
  }

  close(): void {
    this.#lose('it was closed here');
  }

  async #exchange(name: string, request: Struct): Promise<Struct> {
    this.#sequence += 1;
    const message = encodeMessage(callOf(name, this.#sequence, request));
    this.#send(lengthOf(message.length), message);
    const length = (await this.#take(4)).readUInt32BE();
    if (length > LARGEST_FRAME) throw this.#lose('its reply is not a Thrift message');
    const answer = decodeMessage(await this.#take(length));
    if (answer.kind === KIND.exception) throw new SparkRefusedError(answer.body.string(1) ?? 'no reason given');
    const response = answer.body.struct(0);
    if (response === undefined) throw new SparkRefusedError(`Spark sent an empty answer to ${name}.`);
    return response;
  }

  async #handshake(secret: string): Promise<void> {
    this.#sendSasl(SASL.start, Buffer.from('PLAIN'));
    this.#sendSasl(SASL.ok, Buffer.from(`\0rehearsal\0${secret}`));
    for (;;) {
      const header = await this.#take(5);
      const payload = await this.#take(header.readUInt32BE(1));
      const status = header.readUInt8();
      if (status === SASL.complete) return;
      if (status !== SASL.ok) throw new SparkLostError(`The rehearsal's Spark refused the connection: ${payload}`);
    }
  }

  #sendSasl(status: number, payload: Buffer): void {
    this.#send(Buffer.from([status]), lengthOf(payload.length), payload);
  }

  #send(...parts: Buffer[]): void {
    if (this.#lost !== undefined) throw this.#lost;
    this.#socket.write(Buffer.concat(parts));
  }

  async #take(length: number): Promise<Buffer> {
    while (this.#size < length) {
      if (this.#lost !== undefined) throw this.#lost;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const all = this.#received.length === 1 ? this.#received[0] : Buffer.concat(this.#received);
    const rest = all?.subarray(length) ?? Buffer.alloc(0);
    this.#received = rest.length > 0 ? [rest] : [];
    this.#size = rest.length;
    return all?.subarray(0, length) ?? rest;
  }

  #lose(why: string): SparkLostError {
    this.#lost ??= new SparkLostError(`The connection to the rehearsal's Spark broke: ${why}.`);
    this.#socket.destroy();
    this.#wake?.();
    return this.#lost;
  }
}

function lengthOf(length: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  return bytes;
}
