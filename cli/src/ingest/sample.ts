import { existsSync } from 'node:fs';
import type { Effects } from '../config/effects.ts';
import { isOwnProject, type Paths } from '../config/paths.ts';
import { type GenerateReport, generateDataSet } from '../generate/data-set.ts';
import { openPublished } from '../warehouse/duckdb.ts';
import { findDrops } from './drops.ts';
import { readContracts } from './schemas.ts';

/** The sample that a first start makes where there is no data. */
const SAMPLE = { scale: 1, seed: 1, days: 0 };

/**
 * Generates the sample where the data folder holds no data, and nothing was ever loaded: a folder that is not mounted or
 * not the right one must not mix the sample into real rows. A project that is not meetup's own never gets it.
 * @returns what it made, if anything.
 */
export async function generateIfEmpty(paths: Paths, effects: Effects): Promise<GenerateReport | undefined> {
  if (!isOwnProject(paths) || (await hasData(paths)) || (await hasBatches(paths))) return undefined;
  effects.reporter.note(`There is no data in ${paths.data} yet: generating the sample.`);
  return generateDataSet({ out: paths.data, ...SAMPLE }, effects);
}

async function hasData(paths: Paths): Promise<boolean> {
  if (!existsSync(paths.data)) return false;
  return (await findDrops(paths.data, [...(await readContracts(paths.schemas)).keys()])).drops.length > 0;
}

async function hasBatches(paths: Paths): Promise<boolean> {
  if (!existsSync(paths.database)) return false;
  const local = await openPublished(paths);
  try {
    const { rows } = await local.query(
      "select 1 from duckdb_tables() where schema_name = 'raw' and table_name = 'batches' and estimated_size > 0",
    );
    return rows.length > 0;
  } finally {
    await local.close();
  }
}
