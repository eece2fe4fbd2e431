import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeAtomically } from '../../config/atomic-file.ts';
import { hasCode, MeetupError } from '../../config/errors.ts';
import { fileProblem } from '../../config/file-errors.ts';
import type { Forgotten } from './redact-record.ts';

/**
 * The file in the data folder with a tombstone for each forgotten record. It is kept beside the data, and not in the state folder,
 * because `clean` removes that while later drops may still hold the record.
 */
export const TOMBSTONES = '.forgotten.json';

export const tombstoneSchema = z.strictObject({
  id: z.string(),
  /** When it was forgotten, in ISO 8601. */
  at: z.string(),
  entity: z.string(),
  /** The names of the key's properties. */
  key: z.array(z.string()),
  /** HMAC-SHA-256 over the entity and the values of the key. */
  hash: z.string(),
});
export type Tombstone = z.infer<typeof tombstoneSchema>;

const fileSchema = z.strictObject({
  version: z.literal(1),
  /** The key of the hashes, in hex. */
  salt: z.string().regex(/^[0-9a-f]{64}$/),
  forgotten: z.array(tombstoneSchema),
});

/** Values whose hashes are remembered, so that each value of a large file is hashed once. */
const MEMORY = 1_000_000;

/** The forgotten records of one data folder. Which records these are can only be asked, not listed. */
export class Tombstones implements Forgotten {
  readonly list: readonly Tombstone[];
  readonly entities: ReadonlySet<string>;
  readonly #salt: string;
  readonly #hashes: ReadonlySet<string>;
  readonly #known = new Map<string, boolean>();

  constructor(salt: string, list: readonly Tombstone[]) {
    this.#salt = salt;
    this.list = list;
    this.entities = new Set(list.map(({ entity }) => entity));
    this.#hashes = new Set(list.map(({ hash }) => hash));
  }

  has(entity: string, key: readonly string[]): boolean {
    if (!this.entities.has(entity)) return false;
    const [only = ''] = key;
    // Nearly all keys are of one property, and there are millions of values.
    const text = key.length === 1 ? `${entity}\0${only}` : JSON.stringify([entity, ...key]);
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    if (this.#known.size >= MEMORY) this.#known.clear();
    const is = this.#hashes.has(this.#hashOf(JSON.stringify([entity, ...key])));
    this.#known.set(text, is);
    return is;
  }

  /** Only some of the tombstones. */
  only(ids: ReadonlySet<string>): Tombstones {
    return new Tombstones(
      this.#salt,
      this.list.filter(({ id }) => ids.has(id)),
    );
  }

  /** The tombstones with one more, and that one. It replaces an earlier one of the same record. */
  with(
    entity: string,
    names: readonly string[],
    key: readonly string[],
    at: number,
  ): { all: Tombstones; added: Tombstone } {
    const hash = this.#hashOf(JSON.stringify([entity, ...key]));
    const added = { id: randomUUID(), at: new Date(at).toISOString(), entity, key: [...names], hash };
    return { all: this.and([added]), added };
  }

  /** The tombstones with others, which replace earlier ones of the same records. */
  and(others: readonly Tombstone[]): Tombstones {
    const hashes = new Set(others.map(({ hash }) => hash));
    return new Tombstones(this.#salt, [...this.list.filter(({ hash }) => !hashes.has(hash)), ...others]);
  }

  /** Writes them into a data folder, readable for its owner only. */
  async write(data: string): Promise<void> {
    const path = join(data, TOMBSTONES);
    const text = JSON.stringify({ version: 1, salt: this.#salt, forgotten: this.list }, null, 2);
    try {
      await mkdir(data, { recursive: true });
      await writeAtomically(path, `${text}\n`, 0o600);
    } catch (error) {
      throw fileProblem(error, path, {
        verb: 'written',
        advice: 'make the data folder writable; nothing was forgotten',
      });
    }
  }

  #hashOf(text: string): string {
    return createHmac('sha256', Buffer.from(this.#salt, 'hex')).update(text).digest('hex');
  }
}

/**
 * Reads the tombstones of a data folder; none with a new salt if it has none.
 * @throws MeetupError if they can't be read: then nothing may be loaded, because it could hold a forgotten record.
 */
export async function readTombstones(data: string): Promise<Tombstones> {
  const path = join(data, TOMBSTONES);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return new Tombstones(randomBytes(32).toString('hex'), []);
    throw fileProblem(error, path, { advice: 'it says which records must not be loaded again' });
  }
  try {
    const { salt, forgotten } = fileSchema.parse(JSON.parse(text));
    return new Tombstones(salt, forgotten);
  } catch (error) {
    throw new MeetupError(
      `${path}, which says which records must not be loaded again, can't be used: restore it from a backup. Nothing was changed.`,
      { cause: error },
    );
  }
}
