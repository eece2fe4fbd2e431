import type { Struct } from '../thrift/struct.ts';
import { SparkLink } from './link.ts';

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

  async call(name: string, request: Struct): Promise<Struct> {
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
