import type { SchemaObject } from '../../ingest/contract/json-schema.ts';

/** Names of properties that may identify a record. */
const IDENTIFIES = /^(id|_id|uuid|guid|key|code)$|_(id|key|uuid|code)$|[a-z](Id|Key)$/;
/** More values than this are not compared. */
const MOST_VALUES = 5_000_000;

/** Looks for the property whose value is another one in each record of a file. A later file may hold the same records again. */
export class KeySearch {
  readonly #entity: string;
  /** The values so far of properties that were always unique; undefined if one was not. */
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

  /** The key among some properties: the one that is named like the entity, `id`, or the only one. */
  found(properties: readonly string[]): string | undefined {
    const unique = properties.filter(
      (name) => this.#values.get(name) !== undefined && this.#counts.get(name) === this.#records,
    );
    const singular = this.#entity.replace(/ies$/, 'y').replace(/s$/, '');
    const preferred = [`${singular}_id`, `${singular}Id`, 'id', '_id', 'uuid', `${singular}_key`, 'key', 'code'];
    return preferred.find((name) => unique.includes(name)) ?? (unique.length === 1 ? unique[0] : undefined);
  }
}
