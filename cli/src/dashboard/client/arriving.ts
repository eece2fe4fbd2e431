import { resultsIn } from '../shared/lines.ts';
import type { Outcome } from '../shared/types.ts';

const UNREACHABLE = "The data can't be fetched: is `meetup dashboard` still running?";

interface Expected {
  readonly outcome: Promise<Outcome | undefined>;
  readonly resolve: (outcome: Outcome | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** A data set while it arrives: each result can be used as soon as its line is there. */
export class ArrivingSet {
  readonly #expected: ReadonlyMap<string, Expected>;

  /**
   * Begins to fetch it.
   * @param names the queries that it holds.
   * @param failed is called if it can't be fetched.
   */
  constructor(address: string, names: readonly string[], failed: () => void) {
    this.#expected = new Map(names.map((name) => [name, expected()]));
    this.#fetch(address).then(
      () => this.#settle(({ resolve }) => resolve(undefined)),
      (error: unknown) => {
        failed();
        this.#settle(({ reject }) => reject(error));
      },
    );
  }

  /** The result of a query; undefined if the set has none. Rejects if the set can't be fetched. */
  of(query: string): Promise<Outcome | undefined> {
    return this.#expected.get(query)?.outcome ?? Promise.resolve(undefined);
  }

  /** What has its result already stays as it is. */
  #settle(settle: (one: Expected) => void): void {
    for (const one of this.#expected.values()) settle(one);
  }

  async #fetch(address: string): Promise<void> {
    const response = await reached(fetch(address));
    if (!response.ok)
      throw new Error(response.status === 404 ? 'There is no data for this choice.' : await response.text());
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
      const { done = true, value = '' } = (reader && (await reached(reader.read()))) ?? {};
      const lines = (rest + value).split('\n');
      rest = lines.pop() ?? '';
      for (const [name, outcome] of lines.flatMap(resultsIn)) this.#expected.get(name)?.resolve(outcome);
      if (done) return;
    }
  }
}

function expected(): Expected {
  let resolve: Expected['resolve'] = () => undefined;
  let reject: Expected['reject'] = () => undefined;
  const outcome = new Promise<Outcome | undefined>((resolved, rejected) => {
    [resolve, reject] = [resolved, rejected];
  });
  // No figure shows the queries that only fill inputs.
  outcome.catch(() => undefined);
  return { outcome, resolve, reject };
}

async function reached<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch {
    throw new Error(UNREACHABLE);
  }
}
