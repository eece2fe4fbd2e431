import type { DuckDbWarehouse } from '../warehouse/duckdb.ts';
import { quoteIdentifier } from '../warehouse/sql.ts';
import type { MeasuredFile } from './drops.ts';
import type { Contract } from './schemas.ts';

/** The size limit for one record (bytes). */
export const LARGEST_RECORD = 32 * 1024 * 1024;

/** The batch that a file is loaded in. */
export interface BatchStamp {
  readonly id: string;
  readonly seq: number;
  /** `YYYY-MM-DD` */
  readonly droppedOn: string;
  /** `YYYY-MM-DD HH:MM:SS.mmm`, UTC. */
  readonly loadedAt: string;
}

/** A file that is being loaded into its raw table, inside the caller's transaction. */
export interface Loading {
  readonly warehouse: DuckDbWarehouse;
  readonly file: MeasuredFile;
  readonly batch: BatchStamp;
  readonly contract: Contract;
}

export const tableOf = ({ file }: Loading): string => `raw.${quoteIdentifier(file.entity)}`;
