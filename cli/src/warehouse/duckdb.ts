import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, dirname, extname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type DuckDBConnection,
  DuckDBInstance,
  type DuckDBResultReader,
  type DuckDBType,
  type DuckDBValue,
} from '@duckdb/node-api';
import { MeetupError, messageOf } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import { cannotWriteState } from '../config/state-folder.ts';
import { toCell } from './cells.ts';
import { quoteIdentifier, quoteLiteral } from './sql.ts';
import type { QueryResult, Warehouse } from './warehouse.ts';

/** How long a killed process may still hold its file, until its engine has ended (milliseconds). */
const DYING_OWNER_MS = 5000;

/**
 * The rows of a row group that is written by a load: a quarter of DuckDB's default, because one thread compresses a row group alone,
 * at the end while the others wait. Row groups of different sizes may stand side by side in a table.
 */
const LOADED_ROW_GROUP = 30_720;

/** Values of the parameters of a statement, by name. */
export interface Parameters {
  readonly values: Record<string, DuckDBValue>;
  readonly types: Record<string, DuckDBType>;
}

export interface OpenOptions {
  readonly readOnly: boolean;
  /** How long to wait if the file is locked (milliseconds). */
  readonly waitMs?: number;
  /** Whether many rows will be inserted. */
  readonly toLoad?: boolean;
}

/** One open DuckDB file with one connection. */
export class DuckDbWarehouse implements Warehouse {
  readonly connection: DuckDBConnection;
  readonly #instance: DuckDBInstance;

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#instance = instance;
    this.connection = connection;
  }

  /**
   * Opens a database file. Waits for at most `waitMs` milliseconds if it is locked.
   * @throws MeetupError if the file stays locked, is damaged, or can't be opened.
   */
  static async open(path: string, options: OpenOptions): Promise<DuckDbWarehouse> {
    const deadline = Date.now() + (options.waitMs ?? 0);
    for (;;) {
      try {
        if (options.toLoad === true) return await DuckDbWarehouse.#openToLoad(path);
        const instance = await DuckDBInstance.create(path, options.readOnly ? { access_mode: 'READ_ONLY' } : {});
        return new DuckDbWarehouse(instance, await instance.connect());
      } catch (error) {
        if (!isLockConflict(error)) throw cannotOpen(path, error);
        if (Date.now() >= deadline) throw lockedFile(path, error);
        await delay(20);
      }
    }
  }

  /** Only ATTACH takes a size of row groups. */
  static async #openToLoad(path: string): Promise<DuckDbWarehouse> {
    const instance = await DuckDBInstance.create(':memory:', { temp_directory: `${path}.tmp` });
    const connection = await instance.connect();
    try {
      const name = quoteIdentifier(basename(path, extname(path)));
      await connection.run(`attach ${quoteLiteral(path)} as ${name} (row_group_size ${LOADED_ROW_GROUP})`);
      await connection.run(`use ${name}`);
    } catch (error) {
      connection.closeSync();
      instance.closeSync();
      throw error;
    }
    return new DuckDbWarehouse(instance, connection);
  }

  /** Opens a database in memory. */
  static inMemory(): Promise<DuckDbWarehouse> {
    return DuckDbWarehouse.open(':memory:', { readOnly: false });
  }

  async run(sql: string, values: Record<string, DuckDBValue> | DuckDBValue[] = []): Promise<void> {
    await this.connection.run(sql, values);
  }

  async query(sql: string, values: Record<string, DuckDBValue> | DuckDBValue[] = []): Promise<QueryResult> {
    return resultOf(await this.connection.runAndReadAll(sql, values));
  }

  /**
   * Runs several statements and returns the result of each. `query` only returns that of the last one.
   * @param bind given the names of a statement's parameters, returns their values; without it, a parameter is an error.
   */
  async queryAll(sql: string, bind?: (parameters: readonly string[]) => Parameters): Promise<QueryResult[]> {
    const statements = await this.connection.extractStatements(sql);
    const results: QueryResult[] = [];
    for (let index = 0; index < statements.count; index += 1) {
      // Prepared one after the other, because a statement may need what the previous one created.
      const prepared = await statements.prepare(index);
      try {
        if (bind !== undefined && prepared.parameterCount > 0) {
          const { values, types } = bind(
            Array.from({ length: prepared.parameterCount }, (_, i) => prepared.parameterName(i + 1)),
          );
          prepared.bind(values, types);
        }
        results.push(resultOf(await prepared.runAndReadAll()));
      } finally {
        prepared.destroySync();
      }
    }
    return results;
  }

  /** Closing writes DuckDB's log into the file (a checkpoint), so that the file alone is the whole database. */
  close(): Promise<void> {
    this.connection.closeSync();
    this.#instance.closeSync();
    return Promise.resolve();
  }
}

function resultOf(reader: DuckDBResultReader): QueryResult {
  const types = reader.columnTypes();
  return {
    columns: reader.columnNames().map((name, i) => ({ name, type: String(types[i]) })),
    rows: reader.getRows().map((row) => row.map(toCell)),
  };
}

/** Opens the working database read-write. The caller holds the write lock. */
export async function openWork(paths: Paths, options: Pick<OpenOptions, 'toLoad'> = {}): Promise<DuckDbWarehouse> {
  try {
    await mkdir(dirname(paths.workDatabase), { recursive: true });
  } catch (error) {
    throw cannotWriteState(paths, error);
  }
  return DuckDbWarehouse.open(paths.workDatabase, { ...options, readOnly: false, waitMs: DYING_OWNER_MS });
}

/** Opens the published database for reading: never waits for a build, and never makes one wait. */
export async function openPublished(paths: Paths): Promise<DuckDbWarehouse> {
  if (!existsSync(paths.database)) {
    throw new MeetupError(
      `There is no database at ${paths.database} yet: run \`./meetup dev\` to load data and build the marts.`,
    );
  }
  return DuckDbWarehouse.open(paths.database, { readOnly: true });
}

/** Whether DuckDB refused because another process has the file open. */
export function isLockConflict(error: unknown): boolean {
  return /Could not set lock|Conflicting lock/.test(messageOf(error));
}

/** The process that DuckDB names as the lock's holder. */
export function lockHolder(error: unknown): number | undefined {
  const pid = /\(PID (\d+)\)/.exec(messageOf(error))?.[1];
  return pid === undefined ? undefined : Number(pid);
}

function lockedFile(path: string, error: unknown): MeetupError {
  const pid = lockHolder(error);
  return new MeetupError(
    `The database ${path} is open for writing in ${pid === undefined ? 'another process' : `process ${pid}`}: close it there and try again.`,
    { cause: error },
  );
}

function cannotOpen(path: string, error: unknown): MeetupError {
  const first = messageOf(error).split('\n')[0];
  return new MeetupError(
    `The database ${path} can't be opened (${first}): if it is damaged, \`./meetup clean\` removes it and \`./meetup dev\` builds it again from the data.`,
    { cause: error },
  );
}
