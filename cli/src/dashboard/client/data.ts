import { dataAddress, toSearch } from '../shared/addresses.ts';
import type { DataSet, InputValues, Outcome, PageScript } from '../shared/types.ts';

/** Fetches the data of a page, each set once for the same inputs. */
export class PageData {
  readonly #page: PageScript;
  readonly #sets = new Map<string, Promise<DataSet>>();

  constructor(page: PageScript) {
    this.#page = page;
  }

  /** The result of a query for these inputs. @throws Error if the data can't be fetched. */
  async of(query: string, inputs: InputValues): Promise<Outcome | undefined> {
    const keys = this.#page.queries.find(({ name }) => name === query)?.keys ?? [];
    return (await this.#set(keys, inputs))[query];
  }

  /** Forgets everything: the database has been published again. */
  forget(): void {
    this.#sets.clear();
  }

  #set(keys: readonly string[], inputs: InputValues): Promise<DataSet> {
    const address = this.#addressOf(keys, inputs);
    const known = this.#sets.get(address);
    if (known !== undefined) return known;
    const found = fetchSet(address);
    this.#sets.set(address, found);
    // Another try fetches it again.
    found.catch(() => this.#sets.delete(address));
    return found;
  }

  #addressOf(keys: readonly string[], inputs: InputValues): string {
    if (this.#page.mode === 'static' || keys.length === 0) return dataAddress(this.#page.id, keys, inputs);
    return `data/${this.#page.id}/${keys.join('+')}?${toSearch(inputs, keys)}`;
  }
}

async function fetchSet(address: string): Promise<DataSet> {
  let response: Response;
  try {
    response = await fetch(address);
  } catch {
    throw new Error("The data can't be fetched: is `meetup dashboard` still running?");
  }
  if (!response.ok)
    throw new Error(response.status === 404 ? 'There is no data for this choice.' : await response.text());
  return response.json();
}
