import { randomBytes } from 'node:crypto';

/** How long after the statement its transfer may start (milliseconds). */
const VALID_MS = 15 * 60_000;

export interface Ticket {
  readonly method: 'PUT' | 'GET' | 'DELETE';
  readonly file: string;
}

/** Single-use permissions to transfer one file, like the presigned URLs of cloud storage. */
export class Tickets {
  readonly #now: () => number;
  readonly #open = new Map<string, Ticket & { readonly until: number }>();

  constructor(now: () => number) {
    this.#now = now;
  }

  issue(ticket: Ticket): string {
    for (const [name, { until }] of this.#open) if (until < this.#now()) this.#open.delete(name);
    const name = randomBytes(24).toString('hex');
    this.#open.set(name, { ...ticket, until: this.#now() + VALID_MS });
    return name;
  }

  /** Uses a ticket up; undefined if there is none for this request, or it has expired. */
  redeem(name: string, method: string | undefined): Ticket | undefined {
    const ticket = this.#open.get(name);
    if (ticket === undefined || ticket.method !== method || ticket.until < this.#now()) return undefined;
    this.#open.delete(name);
    return ticket;
  }
}
