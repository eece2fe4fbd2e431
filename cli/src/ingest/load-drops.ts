import { createHash } from 'node:crypto';
import type { Effects } from '../config/effects.ts';
import { InterruptedError, MeetupError } from '../config/errors.ts';
import type { DuckDbWarehouse } from '../warehouse/duckdb.ts';
import type { Drop, DropFile, MeasuredFile } from './drops.ts';
import type { Forgotten } from './forgotten/redact-record.ts';
import { countGone, type GoneCount } from './gone.ts';
import { type Cut, CutError } from './lines.ts';
import { firstCut, loadFile } from './load-file.ts';
import type { FileCounts } from './load-steps.ts';
import type { BatchStamp, Loading } from './loading.ts';
import { MANIFEST } from './manifest.ts';
import { newFiles } from './new-files.ts';
import type { Contract, Contracts } from './schemas.ts';

export interface EntityCounts {
  read: number;
  loaded: number;
  rejected: number;
}

/** The outcome of loading one drop. */
export interface BatchReport {
  /** null if nothing was new. */
  readonly batch: string | null;
  readonly folder: string;
  readonly status: 'loaded' | 'unchanged' | 'refused';
  readonly entities: Record<string, EntityCounts>;
  /** For a refused batch, one sentence: which file, how many records, why. */
  readonly message?: string;
  /** Examples of rejected records, one per file. */
  readonly examples: readonly string[];
  /** How many records were taken out of its files, or changed in them, because they hold what is forgotten. */
  readonly forgotten: number;
}

/** When a batch is refused; shares are between 0 and 1. */
export interface Limits {
  /** The largest share of a file's records that may be invalid. */
  readonly maxRejected: number;
  /** The largest share of the records that were there before which a complete file may lack. */
  readonly maxGone: number;
}

/** One batch that is being loaded into the raw tables. */
interface LoadingBatch {
  readonly warehouse: DuckDbWarehouse;
  readonly folder: string;
  readonly files: readonly MeasuredFile[];
  readonly batch: BatchStamp;
  readonly contracts: Contracts;
  readonly limits: Limits;
  readonly effects: Effects;
}

/** Thrown inside a batch's transaction to roll it back; never leaves this file. */
class RefusedError extends Error {}

/**
 * Loads one drop as one batch, in one transaction. Files whose content was loaded last time are skipped.
 * The caller holds the write lock, and the raw tables exist.
 */
export async function loadDrop(
  warehouse: DuckDbWarehouse,
  drop: Drop,
  contracts: Contracts,
  limits: Limits,
  effects: Effects,
  forgotten?: Forgotten,
): Promise<BatchReport> {
  const folder = drop.date ?? '.';
  const { files, redacted } = await newFiles(warehouse, drop, contracts, forgotten, effects);
  if (files.length === 0) {
    return { batch: null, folder, status: 'unchanged', entities: {}, examples: [], forgotten: redacted };
  }
  const batch = await nextBatch(warehouse, drop, files, effects);
  const loading: LoadingBatch = { warehouse, folder, files, batch, contracts, limits, effects };
  // Whenever a file turns out to need a more reliable way of splitting, the batch is rolled back and starts over.
  const cuts = new Map(files.map((file): [string, Cut] => [file.sourceFile, firstCut(file)]));
  for (;;) {
    try {
      return { ...(await loadBatch(loading, cuts)), forgotten: redacted };
    } catch (error) {
      if (!(error instanceof CutError)) throw error;
      effects.reporter.detail(error.message);
      cuts.set(error.sourceFile, error.next);
    }
  }
}

async function loadBatch(
  loading: LoadingBatch,
  cuts: ReadonlyMap<string, Cut>,
): Promise<Omit<BatchReport, 'forgotten'>> {
  const { warehouse, folder, files, batch, limits, effects } = loading;
  const counted: (FileCounts & { file: MeasuredFile })[] = [];
  await warehouse.run('begin transaction');
  try {
    for (const file of files) {
      if (effects.signal.aborted) throw new InterruptedError();
      effects.reporter.progress(`Loading ${file.sourceFile} …`);
      const one: Loading = { warehouse, file, batch, contract: contractFor(file, loading.contracts) };
      const counts = await loadFile(one, cuts.get(file.sourceFile) ?? 'by structure');
      counted.push({ ...counts, file });
      if (counts.rejected > counts.read * limits.maxRejected) {
        throw new RefusedError(tooManyRejected(file, counts, limits.maxRejected));
      }
      if (!file.isComplete) continue;
      const gone = await countGone(one);
      if (gone.gone > gone.known * limits.maxGone) throw new RefusedError(tooManyGone(file, gone, limits.maxGone));
    }
    await record(warehouse, batch, folder, counted);
    if (effects.signal.aborted) throw new InterruptedError();
    await warehouse.run('commit');
  } catch (error) {
    await warehouse.run('rollback');
    if (!(error instanceof RefusedError)) throw error;
    return { batch: null, folder, status: 'refused', message: error.message, ...summary(counted) };
  }
  return { batch: batch.id, folder, status: 'loaded', ...summary(counted) };
}

/** @throws MeetupError if the file is complete, but its records have no key by which to find out what it lacks. */
function contractFor({ entity, sourceFile, isComplete }: DropFile, contracts: Contracts): Contract {
  const contract = contracts.get(entity);
  if (contract === undefined) throw new TypeError(`No schema is named ${entity}.`);
  if (isComplete && contract.key.length === 0) {
    throw new MeetupError(
      `${sourceFile} can't be complete, as its ${MANIFEST} says, because ${entity}.schema.json names no key: add one (x-meetup.key). Nothing of its drop was loaded.`,
    );
  }
  return contract;
}

async function nextBatch(
  warehouse: DuckDbWarehouse,
  drop: Drop,
  files: readonly MeasuredFile[],
  effects: Effects,
): Promise<BatchStamp> {
  const { rows } = await warehouse.query(
    `select coalesce(max(batch_seq), 0) + 1, coalesce(max(dropped_on), date '1970-01-01')::varchar from raw.batches`,
  );
  const seq = Number(rows[0]?.[0] ?? 1);
  const content = createHash('sha256');
  for (const file of files) {
    content.update(`${file.sourceFile}\0${file.sha256}${file.isComplete ? '\0complete' : ''}\n`);
  }
  return {
    id: `${drop.date ?? 'dump'}-${content.digest('hex').slice(0, 8)}-${seq}`,
    seq,
    // A dump without a date takes the date of the latest drop that was loaded before it.
    droppedOn: drop.date ?? String(rows[0]?.[1]),
    loadedAt: new Date(effects.clock.now()).toISOString().replace('T', ' ').replace('Z', ''),
  };
}

async function record(
  warehouse: DuckDbWarehouse,
  batch: BatchStamp,
  folder: string,
  counted: readonly (FileCounts & { file: MeasuredFile })[],
): Promise<void> {
  await warehouse.run('insert into raw.batches values ($id, $seq, $dropped::date, $folder, $loaded::timestamp)', {
    id: batch.id,
    seq: batch.seq,
    dropped: batch.droppedOn,
    folder,
    loaded: batch.loadedAt,
  });
  for (const { file, read, loaded, rejected } of counted) {
    await warehouse.run(
      'insert into raw.loaded_files values ($id, $entity, $file, $sha256, $bytes, $read, $loaded, $rejected, $complete)',
      {
        id: batch.id,
        entity: file.entity,
        file: file.sourceFile,
        sha256: file.sha256,
        bytes: file.bytes,
        read,
        loaded,
        rejected,
        complete: file.isComplete,
      },
    );
  }
}

function tooManyRejected(file: MeasuredFile, counts: FileCounts, maxRejected: number): string {
  const share = ((counts.rejected / counts.read) * 100).toFixed(1);
  return `${file.sourceFile}: ${counts.rejected} of ${counts.read} records (${share} %) failed validation, more than the ${maxRejected * 100} % of --max-rejected, so nothing of this drop was loaded; for example ${counts.example ?? 'none'}. Fix the file, or allow more with --max-rejected.`;
}

function tooManyGone({ entity, sourceFile }: MeasuredFile, { known, gone }: GoneCount, maxGone: number): string {
  const share = ((gone / known) * 100).toFixed(1);
  return `${sourceFile} lacks ${gone} of the ${known} ${entity} that were there before (${share} %), more than the ${maxGone * 100} % of --max-gone, although its ${MANIFEST} says that it is complete, so nothing of this drop was loaded. If the file was cut off, get it again; if it only holds changes, correct ${MANIFEST}; if so many are really gone, allow it with --max-gone.`;
}

function summary(
  counted: readonly (FileCounts & { file: MeasuredFile })[],
): Pick<BatchReport, 'entities' | 'examples'> {
  const total: Record<string, EntityCounts> = {};
  for (const name of new Set(counted.map(({ file }) => file.entity))) {
    const mine = counted.filter(({ file }) => file.entity === name);
    const sum = (of: (counts: FileCounts) => number): number => mine.reduce((all, counts) => all + of(counts), 0);
    total[name] = { read: sum((c) => c.read), loaded: sum((c) => c.loaded), rejected: sum((c) => c.rejected) };
  }
  const examples = counted.flatMap(({ file, example }) =>
    example === undefined ? [] : [`${file.sourceFile}, ${example}`],
  );
  return { entities: total, examples };
}
