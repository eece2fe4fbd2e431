import { quoteLiteral } from '../warehouse/sql.ts';
import type { RawRecord } from './lines.ts';
import { type Loading, tableOf } from './loading.ts';

/** The batch id of a record in doubt. It waits in the raw table itself, with its text in the column for the file's name. */
export const IN_DOUBT = '';

/** Records that are passed to JavaScript at once. */
const PORTION = 2000;

/** A file's rows in its raw table, and which of them are in doubt: neither certainly valid nor rejected yet. */
export class Doubt {
  readonly #loading: Loading;
  readonly #ofFile: string;
  readonly #inDoubt: string;

  constructor(loading: Loading, ofFile: string) {
    this.#loading = loading;
    this.#ofFile = ofFile;
    this.#inDoubt = `_batch_seq = ${loading.batch.seq} and _batch_id = ${quoteLiteral(IN_DOUBT)}`;
  }

  /** The number of rows, and the first row's id: ids follow the file's order. Inside a transaction, they exceed 2^53. */
  async count(): Promise<{ rows: number; first: bigint }> {
    const [[rows, first] = []] = await this.#read(
      `select count(*), coalesce(min(rowid), 0) from ${tableOf(this.#loading)} where ${this.#ofFile}`,
    );
    return { rows: Number(rows ?? 0), first: BigInt(String(first ?? 0)) };
  }

  /** The text of a row that is in doubt; empty for any other row. */
  async textAt(row: bigint): Promise<string> {
    const [[text] = []] = await this.#read(
      `select _source_file from ${tableOf(this.#loading)} where ${this.#inDoubt} and rowid = ${row}`,
    );
    return String(text ?? '');
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
