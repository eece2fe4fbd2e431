import { stat } from 'node:fs/promises';
import type { Effects } from '../config/effects.ts';
import type { DuckDbWarehouse } from '../warehouse/duckdb.ts';
import { type Drop, type DropFile, fingerprint, type Marks, type MeasuredFile } from './drops.ts';
import { redactFile, replaceFile } from './forgotten/redact-file.ts';
import { type Forgotten, redactionOf } from './forgotten/redact-record.ts';
import { sniffLayout } from './json-text.ts';
import { USUAL_LONGEST } from './lines.ts';
import { firstCut } from './load-file.ts';
import { markLines } from './load-lines.ts';
import type { Contract, Contracts } from './schemas.ts';

export interface NewFiles {
  readonly files: readonly MeasuredFile[];
  /** How many records were taken out of them or changed. */
  readonly redacted: number;
}

/**
 * The files with another content than last time, and those that are now said to be complete. What is forgotten is taken out of a
 * file before it is compared, so that the database never holds it.
 */
export async function newFiles(
  warehouse: DuckDbWarehouse,
  drop: Drop,
  contracts: Contracts,
  forgotten: Forgotten | undefined,
  effects: Effects,
): Promise<NewFiles> {
  const files: MeasuredFile[] = [];
  let redacted = 0;
  for (const file of drop.files) {
    const redact = forgotten && redactionOf(file.entity, contracts, forgotten);
    const marking = redact === undefined ? marksOf(warehouse, file, contracts.get(file.entity)) : undefined;
    const print = await fingerprint(file.path, effects.signal).finally(() => marking);
    if (await isLoaded(warehouse, file, print.sha256)) continue;
    const without = redact && (await redactFile(file.path, redact));
    if (without === undefined) {
      files.push({ ...file, ...print, marks: await marking });
      continue;
    }
    await replaceFile(without);
    redacted += without.removed + without.changed;
    const now = await fingerprint(file.path, effects.signal);
    if (!(await isLoaded(warehouse, file, now.sha256))) files.push({ ...file, ...now });
  }
  return { files, redacted };
}

async function isLoaded(warehouse: DuckDbWarehouse, file: DropFile, sha256: string): Promise<boolean> {
  const known = await lastLoaded(warehouse, file);
  return known?.sha256 === sha256 && !(file.isComplete && !known.isComplete);
}

/** What a file held when it was last loaded; undefined if it never was. */
async function lastLoaded(
  warehouse: DuckDbWarehouse,
  { sourceFile }: DropFile,
): Promise<{ sha256: string; bytes: number; isComplete: boolean } | undefined> {
  const { rows } = await warehouse.query(
    `select f.sha256, f.bytes, coalesce(f.is_complete, false) from raw.loaded_files as f inner join raw.batches as b using (batch_id)
     where f.source_file = $file order by b.batch_seq desc limit 1`,
    { file: sourceFile },
  );
  const [row] = rows;
  return row && { sha256: String(row[0]), bytes: Number(row[1]), isComplete: row[2] === true };
}

/**
 * Marks the lines in doubt of a file while it is being hashed, if it is surely new and probably has one record per line.
 * @returns undefined if it isn't, or if it can't be read that way: loading it finds out why.
 */
async function marksOf(
  warehouse: DuckDbWarehouse,
  file: DropFile,
  contract: Contract | undefined,
): Promise<Marks | undefined> {
  try {
    const { size } = await stat(file.path);
    if (contract === undefined || firstCut({ path: file.path, bytes: size }) !== 'by line') return undefined;
    if ((await lastLoaded(warehouse, file))?.bytes === size) return undefined;
    const { layout } = await sniffLayout(file.path);
    return layout === 'nothing' ? undefined : await markLines(warehouse, file, contract, layout, USUAL_LONGEST);
  } catch {
    return undefined;
  }
}
