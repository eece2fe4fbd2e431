import { quoteLiteral } from '../warehouse/sql.ts';
import type { RawRecord } from './lines.ts';
import { type Loading, tableOf } from './loading.ts';

/** The batch id of a record in doubt. It waits in the raw table itself, with its text in the column for the file's name. */
export const IN_DOUBT = '';

/** Records that are passed to JavaScript at once. */
const PORTION = 2000;

/** The rows of a file that was split by structure, and which of them are in doubt: neither certainly valid nor rejected yet. */
export class Doubt {
  readonly #loading: Loading;
  readonly #ofFile: string;
  readonly #inDoubt: string;

  constructor(loading: Loading, ofFile: string) {
    this.#loading = loading;
    this.#ofFile = ofFile;
    this.#inDoubt = `_batch_seq = ${loading.batch.seq} and _batch_id = ${quoteLiteral(IN_DOUBT)}`;
  }

  /** The number of the file's rows. */
  async count(): Promise<number> {
    const [[rows] = []] = await this.#read(`select count(*) from ${tableOf(this.#loading)} where ${this.#ofFile}`);
    return Number(rows ?? 0);
  }

  /** Yields the records in doubt in chunks. */
  async *portions(): AsyncGenerator<readonly RawRecord[]> {
    let after = '-1';
    for (;;) {
      const rows = await this.#read(
        `select rowid, _record_index, _source_file from ${tableOf(this.#loading)}
         where ${this.#inDoubt} and rowid > ${after} order by rowid limit ${PORTION}`,
      );
      if (rows.length === 0) return;
      yield rows.map(([, index, text]) => ({ index: Number(index), text: String(text) }));
      after = String(rows.at(-1)?.[0]);
    }
  }

  /** Removes the rows in doubt from the table. */
  async remove(): Promise<void> {
    await this.#loading.warehouse.run(`delete from ${tableOf(this.#loading)} where ${this.#inDoubt}`);
  }

  async #read(sql: string): Promise<readonly (readonly unknown[])[]> {
    return (await this.#loading.warehouse.connection.runAndReadAll(sql)).getRows();
  }
}
