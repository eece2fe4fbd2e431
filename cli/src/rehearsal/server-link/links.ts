import { setTimeout as delay } from 'node:timers/promises';
import type { Struct } from '../thrift/struct.ts';
import { SparkLink, SparkLostError } from './link.ts';
import { isRepeatable } from './repeatable.ts';

/** How often a call is made whose answer is lost, where repeating it is safe. */
const ATTEMPTS = 4;
/** How long to wait before a call is made once more, times the attempts so far (milliseconds). */
const PAUSE_MS = 200;

/** Where Spark listens at the moment. It is somewhere else after each start. */
export interface SparkAddress {
  readonly port: number;
  readonly secret: string;
}

/** As many connections as there are calls at once; each is used again. */
export class SparkLinks {
  readonly #address: () => Promise<SparkAddress>;
  readonly #idle: SparkLink[] = [];

  /** @param address waits for a Spark that is starting. */
  constructor(address: () => Promise<SparkAddress>) {
    this.#address = address;
  }

  /**
   * One call, on whatever connection is free. One whose connection breaks is made once more where that is safe.
   * @param isWanted whether the call still makes sense: a session that is gone takes no more calls.
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

  /** A connection for one session: Spark closes a session when the connection closes that opened it. */
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
