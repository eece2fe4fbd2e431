import type { SchemaObject } from '../../ingest/contract/json-schema.ts';

/** Names of properties that may identify a record. */
const IDENTIFIES = /^(id|_id|uuid|guid|key|code)$|_(id|key|uuid|code)$|[a-z](Id|Key)$/;
/** At most this many values are compared. */
const MOST_VALUES = 5_000_000;

/** Searches for a property with a different value in each record of a file. A later file may contain the same records again. */
export class KeySearch {
  readonly #entity: string;
  /** The values so far of each property that is still unique; undefined if it isn't. */
  readonly #values = new Map<string, Set<unknown> | undefined>();
  readonly #counts = new Map<string, number>();
  #records = 0;

  constructor(entity: string) {
    this.#entity = entity;
  }

  beginFile(): void {
    for (const values of this.#values.values()) values?.clear();
  }

  add(record: SchemaObject): void {
    this.#records += 1;
    for (const [name, value] of Object.entries(record)) {
      if (!IDENTIFIES.test(name)) continue;
      this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
      const values = this.#values.has(name) ? this.#values.get(name) : new Set<unknown>();
      const isNew = (typeof value === 'string' || Number.isSafeInteger(value)) && values?.has(value) === false;
      this.#values.set(name, isNew && values.size < MOST_VALUES ? values.add(value) : undefined);
    }
  }

  /** The key among some properties: the one named after the entity, `id`, or the only candidate. */
  found(properties: readonly string[]): string | undefined {
    const unique = properties.filter(
      (name) => this.#values.get(name) !== undefined && this.#counts.get(name) === this.#records,
    );
    const singular = this.#entity.replace(/ies$/, 'y').replace(/s$/, '');
    const preferred = [`${singular}_id`, `${singular}Id`, 'id', '_id', 'uuid', `${singular}_key`, 'key', 'code'];
    return preferred.find((name) => unique.includes(name)) ?? (unique.length === 1 ? unique[0] : undefined);
  }
}
