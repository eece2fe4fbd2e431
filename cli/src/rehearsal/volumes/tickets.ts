import { randomBytes } from 'node:crypto';

/** How long after its statement a transfer may begin (milliseconds). */
const VALID_MS = 15 * 60_000;

export interface Ticket {
  readonly method: 'PUT' | 'GET' | 'DELETE';
  readonly file: string;
}

/** Rights to one transfer of one file each, as a presigned URL of a cloud's storage gives them; each is good for once. */
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

  /** Takes the ticket in; undefined if there is none for this, or not any more. */
  redeem(name: string, method: string | undefined): Ticket | undefined {
    const ticket = this.#open.get(name);
    if (ticket === undefined || ticket.method !== method || ticket.until < this.#now()) return undefined;
    this.#open.delete(name);
    return ticket;
  }
}
