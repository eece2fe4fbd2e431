import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomically } from '../config/atomic-file.ts';
import type { Effects } from '../config/effects.ts';
import type { Paths } from '../config/paths.ts';
import type { CommandResult } from '../config/result.ts';
import { readContracts } from '../ingest/schemas.ts';
import { type Proposal, propose, type RejectedRecord } from '../schema/propose/propose.ts';
import { type DuckDbWarehouse, openPublished } from '../warehouse/duckdb.ts';

export interface SchemaProposeOptions {
  readonly paths: Paths;
  /** How many records a change has to concern. */
  readonly least: number;
  /** Whether the changes are written. */
  readonly applies: boolean;
}

export interface SchemaProposeReport {
  readonly status: 'nothing' | 'proposed' | 'applied';
  /** Of entities with rejected records. */
  readonly proposals: readonly (Omit<Proposal, 'text'> & { readonly entity: string; readonly file: string })[];
}

/** More rejected records of one entity are not looked at. */
const MOST = 100_000;

/** Proposes the smallest changes of the schemas that would admit the records in the quarantine. */
export async function run(
  options: SchemaProposeOptions,
  effects: Effects,
): Promise<CommandResult<SchemaProposeReport>> {
  const contracts = await readContracts(options.paths.schemas);
  const proposals: (Proposal & { entity: string; file: string })[] = [];
  const local = await openPublished(options.paths);
  try {
    for (const entity of contracts.keys()) {
      effects.reporter.progress(`Looking at rejected records of ${entity} …`);
      const records = await rejectedOf(local, entity);
      if (records.length === 0) continue;
      const file = join(options.paths.schemas, `${entity}.schema.json`);
      proposals.push({ entity, file, ...propose(file, await readFile(file, 'utf8'), records, options.least) });
    }
  } finally {
    await local.close();
  }
  const changed = proposals.filter(({ diff }) => diff !== '');
  if (options.applies) for (const { file, text } of changed) await writeAtomically(file, text);
  const status = changed.length === 0 ? 'nothing' : options.applies ? 'applied' : 'proposed';
  return { exitCode: 0, report: { status, proposals: proposals.map(({ text: _, ...proposal }) => proposal) } };
}

async function rejectedOf(local: DuckDbWarehouse, entity: string): Promise<RejectedRecord[]> {
  const { rows: tables } = await local.query(
    "select 1 from duckdb_tables() where schema_name = 'raw' and table_name = 'rejected_records'",
  );
  if (tables.length === 0) return [];
  const { rows } = await local.query(
    `select record from raw.rejected_records where entity = $entity order by _batch_seq, _source_file, _record_index limit ${MOST}`,
    { entity },
  );
  return rows.map(([record]) => {
    const text = String(record);
    const value: unknown = JSON.parse(text);
    return { text, value };
  });
}
