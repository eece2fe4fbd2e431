import { existsSync } from 'node:fs';
import type { Effects } from '../config/effects.ts';
import { isOwnProject, type Paths } from '../config/paths.ts';
import { type GenerateReport, generateDataSet } from '../generate/data-set.ts';
import { openPublished } from '../warehouse/duckdb.ts';
import { findDrops } from './drops.ts';
import { readContracts } from './schemas.ts';

/** The sample that the first start generates if there is no data. */
const SAMPLE = { scale: 1, seed: 1, days: 0 };

/**
 * Generates the sample if the data folder holds no data and nothing was ever loaded: if the data folder is merely not mounted,
 * or the wrong one, the sample must not be mixed into real rows. Only meetup's own project gets it.
 * @returns the report of what was generated, if anything.
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
