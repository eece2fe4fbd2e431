import { setTimeout as delay } from 'node:timers/promises';
import type { Struct } from '../thrift/struct.ts';
import { SparkLink, SparkLostError } from './link.ts';
import { isRepeatable } from './repeatable.ts';

/** How often a call is attempted if its answer is lost and repeating it is safe. */
const ATTEMPTS = 4;
/** The pause before another attempt, multiplied by the attempts so far (milliseconds). */
const PAUSE_MS = 200;

/** Where Spark currently listens; each start uses another port. */
export interface SparkAddress {
  readonly port: number;
  readonly secret: string;
}

/** A pool with as many connections as there are concurrent calls. */
export class SparkLinks {
  readonly #address: () => Promise<SparkAddress>;
  readonly #idle: SparkLink[] = [];

  /** @param address returns the current address, waiting for Spark if it is starting. */
  constructor(address: () => Promise<SparkAddress>) {
    this.#address = address;
  }

  /**
   * Makes a call on any free connection, and repeats it if the connection breaks and repeating is safe.
   * @param isWanted whether the call still makes sense: it doesn't once its session is gone.
   */
  async call(name: string, request: Struct, isWanted: () => boolean = () => true): Promise<Struct> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#once(name, request);
      } catch (error) {
        if (!(error instanceof SparkLostError) || attempt >= ATTEMPTS || !isRepeatable(name, request)) throw error;
        await delay(PAUSE_MS * attempt);
        if (!isWanted()) throw error;
      }
    }
  }

  async #once(name: string, request: Struct): Promise<Struct> {
    const link = await this.#take();
    try {
      return await link.call(name, request);
    } finally {
      if (link.alive) this.#idle.push(link);
    }
  }

  /** Opens a connection for one session: Spark closes a session with the connection that opened it. */
  async own(): Promise<SparkLink> {
    const { port, secret } = await this.#address();
    return SparkLink.open(port, secret);
  }

  close(): void {
    for (const link of this.#idle.splice(0)) link.close();
  }

  async #take(): Promise<SparkLink> {
    for (let link = this.#idle.pop(); link !== undefined; link = this.#idle.pop()) if (link.alive) return link;
    return this.own();
  }
}
