import { MeetupError } from '../config/errors.ts';
import { learnKeyOrders } from './contract/key-order.ts';
import { textPattern } from './contract/text-pattern.ts';
import type { ParsedRecord } from './cutter.ts';
import type { ListLayout } from './json-text.ts';
import type { RawRecord } from './lines.ts';
import { LARGEST_RECORD, type Loading } from './loading.ts';
import { sampleRecords } from './record-sample.ts';
import { cannotRead, tooLarge } from './refusals.ts';
import { type Scan, scanFile } from './scan.ts';
import type { Contract } from './schemas.ts';

export interface FileCounts {
  readonly read: number;
  readonly loaded: number;
  readonly rejected: number;
  /** The first rejected record's position and reasons, for messages. */
  readonly example?: string;
}

export const countsOf = (read: number, rejected: number, example: string | undefined): FileCounts => ({
  read,
  loaded: read - rejected,
  rejected,
  ...(example === undefined ? {} : { example }),
});

export const parsed = (record: RawRecord): ParsedRecord => ({ ...record, value: JSON.parse(record.text) });

/** The pattern of certainly valid records, for the order in which the file's first records have their keys. */
export async function patternFor(path: string, contract: Contract, isByLine: boolean): Promise<string | undefined> {
  const sample = await sampleRecords(path, isByLine);
  return textPattern(contract.schema, contract.record, learnKeyOrders(contract.schema, sample));
}

/** Runs a statement that reads the file in DuckDB, and counts the file's records here meanwhile. */
export async function runAndScan(loading: Loading, sql: string, layout: ListLayout): Promise<Scan> {
  const { path } = loading.file;
  const [ran, scanned] = await Promise.allSettled([loading.warehouse.run(sql), scanFile(path, layout)]);
  if (scanned.status === 'rejected') throw cannotRead(path, scanned.reason);
  const scan = scanned.value;
  if (scan.longest > LARGEST_RECORD) throw tooLarge(path);
  if (ran.status === 'rejected') throw ran.reason;
  requireSize(loading, scan.bytes);
  return scan;
}

/** @throws MeetupError if the file had another size when its fingerprint was computed. */
export function requireSize({ file: { path, bytes } }: Loading, now: number): void {
  if (bytes === now) return;
  throw new MeetupError(`${path} changed while it was being loaded: load again once it is complete.`);
}
