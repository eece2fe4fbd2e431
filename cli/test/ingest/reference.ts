import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolvePaths } from '../../src/config/paths.ts';
import type { ColumnType } from '../../src/ingest/contract/column-types.ts';
import { fingerprint } from '../../src/ingest/drops.ts';
import { type Cut, CutError } from '../../src/ingest/lines.ts';
import { firstCut, loadFile } from '../../src/ingest/load-file.ts';
import type { FileCounts } from '../../src/ingest/load-steps.ts';
import type { BatchStamp } from '../../src/ingest/loading.ts';
import { createRawTables, rawTablesOf } from '../../src/ingest/raw-tables.ts';
import { type Contract, readContracts } from '../../src/ingest/schemas.ts';
import { DuckDbWarehouse } from '../../src/warehouse/duckdb.ts';
import { quoteIdentifier } from '../../src/warehouse/sql.ts';

/** A database with empty raw tables, and a folder for files. */
export interface Bench {
  readonly warehouse: DuckDbWarehouse;
  readonly folder: string;
  /** The project's own entities. */
  readonly entities: readonly string[];
  contract(entity: string): Contract;
  close(): Promise<void>;
}

/** Opens a bench for all tests in a file. The caller closes it in a hook. */
export async function openBench(): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'meetup-test-'));
  const warehouse = await DuckDbWarehouse.inMemory();
  const contracts = await readContracts(resolvePaths({}, {}, process.cwd()).schemas);
  await createRawTables(warehouse, rawTablesOf(contracts));
  const contract = (entity: string): Contract => {
    const found = contracts.get(entity);
    if (found === undefined) throw new TypeError(`The entity ${entity} has no schema.`);
    return found;
  };
  const close = async (): Promise<void> => {
    await warehouse.close();
    await rm(folder, { recursive: true, force: true });
  };
  return { warehouse, folder, entities: [...contracts.keys()], contract, close };
}

/** The result of loading a file: rejected records with their positions and reasons, loaded ones with their positions and values. */
export interface Outcome {
  readonly rejected: readonly (readonly [index: number, reasons: readonly string[]])[];
  readonly loaded: readonly (readonly [index: number, value: unknown])[];
}

/** The expected result for these records, read with JSON.parse and validated with ajv. */
export function expectedOutcome(contract: Contract, texts: readonly string[]): Outcome {
  const rejected: [number, readonly string[]][] = [];
  const loaded: [number, unknown][] = [];
  for (const [index, text] of texts.entries()) {
    const value: unknown = JSON.parse(text);
    const reasons = contract.validate({ text, value });
    if (reasons.length > 0) rejected.push([index, reasons]);
    else loaded.push([index, projected(value, contract.record)]);
  }
  return { rejected, loaded };
}

/** A value as its column stores it: only listed properties, with missing ones as null. */
export function projected(value: unknown, type: ColumnType): unknown {
  if (value === undefined || value === null) return null;
  if (type.kind === 'list') return Array.isArray(value) ? value.map((item) => projected(item, type.item)) : null;
  if (type.kind === 'struct') {
    const fields = new Map<string, unknown>(Object.entries(value));
    return Object.fromEntries(type.fields.map(([name, field]) => [name, projected(fields.get(name), field)]));
  }
  const plain: unknown = JSON.parse(JSON.stringify(value));
  return plain;
}

const batch: BatchStamp = { id: 'b', seq: 1, droppedOn: '2026-01-01', loadedAt: '2026-01-01 00:00:00.000' };

/**
 * Loads one file as `load` does, and rolls back so that the tables stay empty.
 * @throws MeetupError if the file is refused.
 */
export async function outcomeOf(
  bench: Bench,
  contract: Contract,
  file: { readonly entity: string; readonly name: string; readonly content: string | Uint8Array },
  given?: Cut,
): Promise<Outcome & { counts: FileCounts; cut: Cut }> {
  const { warehouse, folder } = bench;
  const path = join(folder, file.name);
  await writeFile(path, file.content);
  const read = await fingerprint(path, new AbortController().signal);
  let next: Cut;
  await warehouse.run('begin transaction');
  try {
    const place = { entity: file.entity, path, sourceFile: file.name, isComplete: false };
    const loading = { warehouse, file: { ...place, ...read }, batch, contract };
    const cut = given ?? firstCut(loading.file);
    const counts = await loadFile(loading, cut);
    return { counts, cut, ...(await readOutcome(warehouse, contract, file)) };
  } catch (error) {
    if (!(error instanceof CutError)) throw error;
    next = error.next;
  } finally {
    await warehouse.run('rollback');
    await rm(path);
  }
  return outcomeOf(bench, contract, file, next);
}

async function readOutcome(
  warehouse: DuckDbWarehouse,
  contract: Contract,
  file: { readonly entity: string; readonly name: string },
): Promise<Outcome> {
  const names = contract.record.fields
    .map(([name]) => `${quoteIdentifier(name)} := ${quoteIdentifier(name)}`)
    .join(', ');
  const stamped = `_batch_id = 'b' and _source_file = '${file.name}'`;
  const loaded = await warehouse.query(
    `select _record_index, to_json(struct_pack(${names}))::varchar from raw.${file.entity} where ${stamped} order by 1`,
  );
  const rejected = await warehouse.query(
    `select _record_index, to_json(reasons)::varchar from raw.rejected_records where ${stamped} order by 1`,
  );
  return {
    loaded: loaded.rows.map(([index, text]) => [Number(index), JSON.parse(String(text))]),
    rejected: rejected.rows.map(([index, text]) => [Number(index), JSON.parse(String(text))]),
  };
}
