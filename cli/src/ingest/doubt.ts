import { quoteLiteral } from '../warehouse/sql.ts';
import type { RawRecord } from './lines.ts';
import { type Loading, tableOf } from './loading.ts';

/** A record in doubt waits in the table itself: with no batch id of its own yet, and its text in the place of the file's name. */
export const IN_DOUBT = '';

/** Records that go through JavaScript at once. */
const PORTION = 2000;

/** The rows of a file in its table, and those of them that are in doubt. */
export class Doubt {
  readonly #loading: Loading;
  readonly #ofFile: string;
  readonly #inDoubt: string;

  constructor(loading: Loading, ofFile: string) {
    this.#loading = loading;
    this.#ofFile = ofFile;
    this.#inDoubt = `_batch_seq = ${loading.batch.seq} and _batch_id = ${quoteLiteral(IN_DOUBT)}`;
  }

  /** The file's rows, and the id of the first: rows keep the order of the file. Inside a transaction, ids lie beyond 2^53. */
  async count(): Promise<{ rows: number; first: bigint }> {
    const [[rows, first] = []] = await this.#read(
      `select count(*), coalesce(min(rowid), 0) from ${tableOf(this.#loading)} where ${this.#ofFile}`,
    );
    return { rows: Number(rows ?? 0), first: BigInt(String(first ?? 0)) };
  }

  /** The text of a row that is in doubt; empty for one that is not. */
  async textAt(row: bigint): Promise<string> {
    const [[text] = []] = await this.#read(
      `select _source_file from ${tableOf(this.#loading)} where ${this.#inDoubt} and rowid = ${row}`,
    );
    return String(text ?? '');
  }

  /** The records in doubt, some at a time. */
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

  /** Takes the rows in doubt out of the table. */
  async remove(): Promise<void> {
    await this.#loading.warehouse.run(`delete from ${tableOf(this.#loading)} where ${this.#inDoubt}`);
  }

  async #read(sql: string): Promise<readonly (readonly unknown[])[]> {
    return (await this.#loading.warehouse.connection.runAndReadAll(sql)).getRows();
  }
}
