import type { DuckDbWarehouse } from '../warehouse/duckdb.ts';
import { quoteIdentifier, quoteLiteral } from '../warehouse/sql.ts';
import { jsonOn, NotByLineError } from './lines.ts';
import { type Loading, tableOf } from './loading.ts';

/** The text of a line, by its number from 0. */
export interface TextAt {
  readonly line: number;
  readonly text: string;
}

/** Lines that are passed to JavaScript at once, and their bytes. */
const PORTION = { lines: 10_000, bytes: 64_000_000 };

const IN_DOUBT = 'hashes_in_doubt';
const ALL = 'hashes_by_line';

/** The most lines whose hashes are kept in memory to look up positions. */
const MOST_IN_MEMORY = 500_000;

/**
 * Which lines of a file are in doubt, in a temporary table with a row per line: its hash, and its text if it is in doubt. Equal
 * lines are equally certain, so the hash tells which lines to leave out when the certain ones are inserted, and, line by line,
 * that those are what was checked: a collision, another order or a file that changed in between is found.
 */
export class LinesInDoubt {
  readonly lines: number;
  /** How many of them are certainly valid. */
  readonly certain: number;
  /** Whether a line's hash tells which line it is. */
  readonly #isUnique: boolean;
  readonly #loading: Loading;
  readonly #table: string;
  /** Row ids follow the file's order. Inside a transaction, they exceed 2^53. */
  readonly #first: bigint;

  private constructor(
    loading: Loading,
    table: string,
    counted: { readonly lines: number; readonly certain: number; readonly isUnique: boolean; readonly first: bigint },
  ) {
    this.#loading = loading;
    this.#table = table;
    this.lines = counted.lines;
    this.certain = counted.certain;
    this.#isUnique = counted.isUnique;
    this.#first = counted.first;
  }

  static hashOf(text: string): string {
    return `cast(hash(${text}) >> 1 as bigint)`;
  }

  /**
   * Makes the table from the lines of a source.
   * @param name the entity, of which a drop has one file.
   * @param pattern what certain lines match; undefined if none is certain.
   * @returns the name of the table, for {@link read}.
   */
  static async mark(
    warehouse: DuckDbWarehouse,
    name: string,
    source: string,
    pattern: string | undefined,
  ): Promise<string> {
    const table = quoteIdentifier(`lines_in_doubt_${name}`);
    const text =
      pattern === undefined
        ? 'record_text'
        : `case when not regexp_full_match(record_text, ${quoteLiteral(pattern)}) then record_text end`;
    await warehouse.run(
      `create or replace temporary table ${table} as
       select ${text} as text, ${LinesInDoubt.hashOf('record_text')} as hashed from ${source}`,
    );
    return `temp.${table}`;
  }

  /** Reads the table that {@link mark} made. */
  static async read(loading: Loading, table: string): Promise<LinesInDoubt> {
    const [[rows, doubtful, first] = []] = await rowsOf(
      loading,
      `select count(*), count(text), coalesce(min(rowid), 0) from ${table}`,
    );
    const lines = Number(rows ?? 0);
    const certain = lines - Number(doubtful ?? 0);
    const isUnique = certain > 0 && lines <= MOST_IN_MEMORY && (await hashesOf(loading, table)) === lines;
    return new LinesInDoubt(loading, table, { lines, certain, isUnique, first: BigInt(String(first ?? 0)) });
  }

  /**
   * An expression for the position of a certain record among the file's records, from its hash; the hash itself if that doesn't tell.
   * A line that was not there when the table was made makes the statement fail.
   * @param skipped the number of lines before the first record.
   */
  async positionOf(hashed: string, skipped: number): Promise<string> {
    if (!this.#isUnique) return hashed;
    await this.#loading.warehouse.run(
      `create temporary type ${ALL} as enum (select cast(hashed as varchar) from ${this.#table} order by rowid)`,
    );
    return `cast(enum_code(cast(cast(${hashed} as varchar) as ${ALL})) as bigint) - ${skipped}`;
  }

  /**
   * A condition that holds for the hashes of certain lines. Not a join, after which rows no longer have the file's order: a cast
   * to an enum looks a value up just the same.
   */
  async isCertain(hashed: string): Promise<string> {
    if (this.certain === this.lines) return 'true';
    await this.#loading.warehouse.run(
      `create temporary type ${IN_DOUBT} as enum (select distinct cast(hashed as varchar) from ${this.#table} where text is not null)`,
    );
    return `try_cast(cast(${hashed} as varchar) as ${IN_DOUBT}) is null`;
  }

  /** The text of a line that is in doubt; empty for any other line. */
  async textAt(line: number): Promise<string> {
    const [[text] = []] = await rowsOf(
      this.#loading,
      `select text from ${this.#table} where rowid = ${this.#first + BigInt(line)}`,
    );
    return String(text ?? '');
  }

  /** The next lines in doubt after a line; none if there are no more. */
  async portion(after: number): Promise<readonly TextAt[]> {
    const rows = await rowsOf(
      this.#loading,
      `select line, text from (
         select line, text, sum(strlen(text)) over (order by line) - strlen(text) as bytes_before from (
           select rowid - ${this.#first} as line, text from ${this.#table}
           where text is not null and rowid > ${this.#first + BigInt(after)} order by rowid limit ${PORTION.lines}
         )
       ) where bytes_before < ${PORTION.bytes} order by line`,
    );
    return rows.map(([line, text]) => ({ line: Number(line), text: String(text) }));
  }

  /**
   * A query for the JSON on some lines that are in doubt.
   * @param chosen SQL for a JSON list of their numbers.
   * @param skipped the number of lines before the first record.
   */
  jsonOf(chosen: string, skipped: number): string {
    const line = `rowid - ${this.#first}`;
    return `select ${line} - ${skipped} as record_index, ${jsonOn('text')} as json_text from ${this.#table}
      where text is not null and ${line} in (select unnest(cast(${chosen} as bigint[])))`;
  }

  /**
   * Gives the inserted records their positions, unless they have them.
   * @param skipped the number of lines before the first record.
   * @param others the number of records that were inserted behind the certain ones, with their positions.
   * @throws NotByLineError if they are not the certain lines, in the same order.
   */
  async number(skipped: number, others: number): Promise<void> {
    const { batch, warehouse } = this.#loading;
    const table = tableOf(this.#loading);
    const [[rows, first, positions] = []] = await rowsOf(
      this.#loading,
      `select count(*), coalesce(min(rowid), 0), ${this.#isUnique ? 'count(distinct _record_index)' : 'count(*)'}
       from ${table} where _batch_seq = ${batch.seq}`,
    );
    if (Number(rows ?? 0) !== this.certain + others || positions !== rows) throw new NotByLineError();
    if (this.certain === 0 || this.#isUnique) return;
    const ranked = `(select rowid - ${this.#first + BigInt(skipped)} as position, hashed,
        row_number() over (order by rowid) - 1 + ${first} as row from ${this.#table} where text is null)`;
    const [[same] = []] = await rowsOf(
      this.#loading,
      `select count(*) from ${table} as t inner join ${ranked} as certain on t.rowid = certain.row
       where t._batch_seq = ${batch.seq} and t._record_index = certain.hashed`,
    );
    if (Number(same ?? 0) !== this.certain) throw new NotByLineError();
    await warehouse.run(
      `update ${table} as t set _record_index = certain.position from ${ranked} as certain
       where t.rowid = certain.row and t._batch_seq = ${batch.seq}`,
    );
  }

  /** Removes what it has made. */
  async drop(): Promise<void> {
    const { warehouse } = this.#loading;
    await warehouse.run(`drop type if exists ${IN_DOUBT}`);
    await warehouse.run(`drop type if exists ${ALL}`);
    await warehouse.run(`drop table ${this.#table}`);
    await warehouse.run('drop table if exists temp.valid_in_doubt');
  }
}

/** How many different hashes the lines have. */
async function hashesOf(loading: Loading, table: string): Promise<number> {
  const [[hashes] = []] = await rowsOf(loading, `select count(distinct hashed) from ${table}`);
  return Number(hashes ?? 0);
}

async function rowsOf(loading: Loading, sql: string): Promise<readonly (readonly unknown[])[]> {
  return (await loading.warehouse.connection.runAndReadAll(sql)).getRows();
}
