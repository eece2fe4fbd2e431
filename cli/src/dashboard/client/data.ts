import { dataAddress, toSearch } from '../shared/addresses.ts';
import type { InputValues, Outcome, PageScript } from '../shared/types.ts';
import { ArrivingSet } from './arriving.ts';

/** Fetches the data of a page, each set once for the same inputs. */
export class PageData {
  readonly #page: PageScript;
  readonly #sets = new Map<string, ArrivingSet>();

  constructor(page: PageScript) {
    this.#page = page;
  }

  /** The result of a query for these inputs, once it has arrived. Rejects if the data can't be fetched. */
  of(query: string, inputs: InputValues): Promise<Outcome | undefined> {
    const keys = this.#page.queries.find(({ name }) => name === query)?.keys ?? [];
    return this.#set(keys, inputs).of(query);
  }

  /** Forgets everything: the database has been published again. */
  forget(): void {
    this.#sets.clear();
  }

  #set(keys: readonly string[], inputs: InputValues): ArrivingSet {
    const address = this.#addressOf(keys, inputs);
    const known = this.#sets.get(address);
    if (known !== undefined) return known;
    const names = this.#page.queries.filter((query) => query.keys.join() === keys.join()).map(({ name }) => name);
    // Another try fetches it again.
    const found = new ArrivingSet(address, names, () => this.#sets.delete(address));
    this.#sets.set(address, found);
    return found;
  }

  #addressOf(keys: readonly string[], inputs: InputValues): string {
    if (this.#page.mode === 'static' || keys.length === 0) return dataAddress(this.#page.id, keys, inputs);
    return `data/${this.#page.id}/${keys.join('+')}?${toSearch(inputs, keys)}`;
  }
}
