import { createHash } from 'node:crypto';
import type { Effects } from '../config/effects.ts';
import { InterruptedError } from '../config/errors.ts';
import type { DuckDbWarehouse } from '../warehouse/duckdb.ts';
import { type Drop, type DropFile, fingerprint } from './drops.ts';
import { type Cut, CutError } from './lines.ts';
import { type FileCounts, firstCut, loadFile } from './load-file.ts';
import type { BatchStamp } from './loading.ts';
import type { Contracts } from './schemas.ts';

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
}

interface NewFile extends DropFile {
  readonly sha256: string;
  readonly bytes: number;
}

/** One batch that is being loaded into the raw tables. */
interface LoadingBatch {
  readonly warehouse: DuckDbWarehouse;
  readonly folder: string;
  readonly files: readonly NewFile[];
  readonly batch: BatchStamp;
  readonly contracts: Contracts;
  readonly maxRejected: number;
  readonly effects: Effects;
}

/** Thrown inside a batch's transaction to roll it back; never leaves this file. */
class TooManyRejected extends Error {}

/**
 * Loads one drop as one batch, in one transaction. Files whose content was loaded last time are skipped.
 * The caller holds the write lock, and the raw tables exist.
 * @param maxRejected the share of a file's records, 0 to 1, above which the batch is refused.
 */
export async function loadDrop(
  warehouse: DuckDbWarehouse,
  drop: Drop,
  contracts: Contracts,
  maxRejected: number,
  effects: Effects,
): Promise<BatchReport> {
  const folder = drop.date ?? '.';
  const files = await newFiles(warehouse, drop, effects);
  if (files.length === 0) return { batch: null, folder, status: 'unchanged', entities: {}, examples: [] };
  const batch = await nextBatch(warehouse, drop, files, effects);
  const loading: LoadingBatch = { warehouse, folder, files, batch, contracts, maxRejected, effects };
  // Whenever a file turns out to need a more reliable way of splitting, the batch is rolled back and starts over.
  const cuts = new Map(files.map((file): [string, Cut] => [file.sourceFile, firstCut(file)]));
  for (;;) {
    try {
      return await loadBatch(loading, cuts);
    } catch (error) {
      if (!(error instanceof CutError)) throw error;
      effects.reporter.detail(error.message);
      cuts.set(error.sourceFile, error.next);
    }
  }
}

async function loadBatch(loading: LoadingBatch, cuts: ReadonlyMap<string, Cut>): Promise<BatchReport> {
  const { warehouse, folder, files, batch, contracts, maxRejected, effects } = loading;
  const counted: (FileCounts & { file: NewFile })[] = [];
  await warehouse.run('begin transaction');
  try {
    for (const file of files) {
      if (effects.signal.aborted) throw new InterruptedError();
      effects.reporter.progress(`Loading ${file.sourceFile} …`);
      const contract = contracts.get(file.entity);
      if (contract === undefined) throw new TypeError(`No schema is named ${file.entity}.`);
      const counts = await loadFile({ warehouse, file, batch, contract }, cuts.get(file.sourceFile) ?? 'by structure');
      counted.push({ ...counts, file });
      if (counts.rejected > counts.read * maxRejected) throw new TooManyRejected(refusal(file, counts, maxRejected));
    }
    await record(warehouse, batch, folder, counted);
    if (effects.signal.aborted) throw new InterruptedError();
    await warehouse.run('commit');
  } catch (error) {
    await warehouse.run('rollback');
    if (!(error instanceof TooManyRejected)) throw error;
    return { batch: null, folder, status: 'refused', message: error.message, ...summary(counted) };
  }
  return { batch: batch.id, folder, status: 'loaded', ...summary(counted) };
}

async function newFiles(warehouse: DuckDbWarehouse, drop: Drop, effects: Effects): Promise<NewFile[]> {
  const fresh: NewFile[] = [];
  for (const file of drop.files) {
    const { sha256, bytes } = await fingerprint(file.path, effects.signal);
    const { rows } = await warehouse.query(
      `select f.sha256 from raw.loaded_files as f inner join raw.batches as b using (batch_id)
       where f.source_file = $file order by b.batch_seq desc limit 1`,
      { file: file.sourceFile },
    );
    if (rows[0]?.[0] !== sha256) fresh.push({ ...file, sha256, bytes });
  }
  return fresh;
}

async function nextBatch(
  warehouse: DuckDbWarehouse,
  drop: Drop,
  files: readonly NewFile[],
  effects: Effects,
): Promise<BatchStamp> {
  const { rows } = await warehouse.query(
    `select coalesce(max(batch_seq), 0) + 1, coalesce(max(dropped_on), date '1970-01-01')::varchar from raw.batches`,
  );
  const seq = Number(rows[0]?.[0] ?? 1);
  const content = createHash('sha256');
  for (const file of files) content.update(`${file.sourceFile}\0${file.sha256}\n`);
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
  counted: readonly (FileCounts & { file: NewFile })[],
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
      'insert into raw.loaded_files values ($id, $entity, $file, $sha256, $bytes, $read, $loaded, $rejected)',
      {
        id: batch.id,
        entity: file.entity,
        file: file.sourceFile,
        sha256: file.sha256,
        bytes: file.bytes,
        read,
        loaded,
        rejected,
      },
    );
  }
}

function refusal(file: NewFile, counts: FileCounts, maxRejected: number): string {
  const share = ((counts.rejected / counts.read) * 100).toFixed(1);
  return `${file.sourceFile}: ${counts.rejected} of ${counts.read} records (${share} %) failed validation, more than the ${maxRejected * 100} % of --max-rejected, so nothing of this drop was loaded; for example ${counts.example ?? 'none'}. Fix the file, or allow more with --max-rejected.`;
}

function summary(counted: readonly (FileCounts & { file: NewFile })[]): Pick<BatchReport, 'entities' | 'examples'> {
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
