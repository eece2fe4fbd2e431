import type { Effects } from '../config/effects.ts';
import { MeetupError } from '../config/errors.ts';
import { DEFAULT_MAX_GONE } from '../config/options.ts';
import { COMMAND, isOwnProject, type Paths } from '../config/paths.ts';
import { requireLoaded } from '../config/pulled.ts';
import type { CommandResult } from '../config/result.ts';
import { type DuckDbWarehouse, openWork } from '../warehouse/duckdb.ts';
import { withWriteLock } from '../warehouse/lock.ts';
import { publish } from '../warehouse/publish.ts';
import type { Warehouse } from '../warehouse/warehouse.ts';
import { findDrops } from './drops.ts';
import { readTombstones } from './forgotten/tombstones.ts';
import { migrate } from './history/migrate.ts';
import { type Retried, retryRejected } from './history/retry-rejected.ts';
import { mustMigrate, schemaChanges } from './history/schema-changes.ts';
import { storeSchemas } from './history/stored-schema.ts';
import { type BatchReport, type EntityCounts, loadDrop } from './load-drops.ts';
import { createRawTables, rawTablesOf } from './raw-tables.ts';
import { type Contracts, readContracts } from './schemas.ts';

export interface LoadOptions {
  readonly paths: Paths;
  /** The share of a file's records, 0 to 1, above which its batch is refused. */
  readonly maxRejected: number;
  /** The share of the records that were there before which a complete file may lack; 0.05 by default. */
  readonly maxGone?: number;
  /** Change raw tables to match their schemas, even if records have to be moved or types changed. */
  readonly migrates?: boolean;
  /** Load rejected records that are valid now. */
  readonly retriesRejected?: boolean;
  /** False if a build follows, so that readers never see new data beside old marts. */
  readonly publishes?: boolean;
  /** Whether it is fine if data comes from elsewhere: there are no JSON Schemas, or the local data is a pulled sample. */
  readonly optional?: boolean;
}

export interface LoadReport {
  /** The last batch of this load; null if nothing was loaded. */
  readonly batch: string | null;
  readonly entities: Readonly<Record<string, EntityCounts>>;
  readonly status: 'loaded' | 'unchanged' | 'refused';
  /** With `migrates`: the changes of raw tables. */
  readonly migrated?: readonly {
    readonly entity: string;
    readonly retyped: readonly string[];
    readonly rejected: number;
  }[];
  /** With `retriesRejected`: the outcome for rejected records, by entity. */
  readonly retried?: Readonly<Record<string, Retried>>;
  /** One report per drop, in order; a refused one ends the load. */
  readonly batches: readonly BatchReport[];
  /** The newest batch in the raw tables, from this load or an earlier one. */
  readonly newestBatch: string | null;
  /** Milliseconds. */
  readonly ms: number;
}

/**
 * Validates the JSON files of the data folder, record by record, and appends what is new to the raw tables.
 * Each drop is one batch; the first that is refused or unreadable ends the load, and earlier ones are kept.
 */
export async function load(options: LoadOptions, effects: Effects): Promise<CommandResult<LoadReport>> {
  const started = effects.clock.elapsed();
  const { pulled } = options.paths;
  if (pulled !== undefined && options.optional) {
    effects.reporter.note(`No files are loaded: the local data is a sample pulled from ${pulled.from}.`);
    return conclude([], [], pulled.folder, {}, effects.clock.elapsed() - started);
  }
  requireLoaded(options.paths, '`load`');
  const contracts = await readContracts(options.paths.schemas);
  if (contracts.size === 0) {
    if (options.optional) return conclude([], [], null, {}, effects.clock.elapsed() - started);
    throw new MeetupError(
      `There are no JSON Schemas in ${options.paths.schemas}: put a file named <entity>.schema.json there for each kind of record.`,
    );
  }
  const { drops, notLoaded } = await findDrops(options.paths.data, [...contracts.keys()]);
  for (const { name, why } of notLoaded) effects.reporter.note(`Not loaded: ${name} (${why}).`);
  if (drops.length === 0 && options.migrates !== true && options.retriesRejected !== true) {
    const others = isOwnProject(options.paths)
      ? ', or run `./meetup generate`'
      : ', or name another folder with --data';
    throw new MeetupError(
      `There is nothing to load in ${options.paths.data}: put files named ${[...contracts.keys()].map((name) => `${name}.json`).join(', ')} there${others}.`,
    );
  }
  const limits = { maxRejected: options.maxRejected, maxGone: options.maxGone ?? DEFAULT_MAX_GONE };
  const { batches, newest, ...changed } = await withWriteLock(options.paths, effects, async () => {
    const loaded: BatchReport[] = [];
    const forgotten = await readTombstones(options.paths.data);
    let newestBatch: string | null;
    let history: History;
    const warehouse = await openWork(options.paths, { toLoad: true });
    try {
      history = await updateTables(warehouse, contracts, options);
      for (const drop of drops) {
        const report = await loadDrop(warehouse, drop, contracts, limits, effects, forgotten);
        loaded.push(report);
        if (report.status === 'refused') break;
      }
      newestBatch = await newestBatchOf(warehouse);
    } finally {
      await warehouse.close();
    }
    if (options.publishes !== false) await publish(options.paths);
    return { batches: loaded, newest: newestBatch, ...history };
  });
  return conclude([...contracts.keys()], batches, newest, changed, effects.clock.elapsed() - started);
}

type History = Pick<LoadReport, 'migrated' | 'retried'>;

/**
 * Changes the raw tables to match the schemas, in one transaction.
 * @throws MeetupError with a plan, before anything is changed, if that would move records or change types without `migrates`.
 */
async function updateTables(
  warehouse: DuckDbWarehouse,
  contracts: Contracts,
  { migrates = false, retriesRejected = false }: Pick<LoadOptions, 'migrates' | 'retriesRejected'>,
): Promise<History> {
  const changes = await schemaChanges(warehouse, contracts);
  const grave = changes.filter(({ isHarmless }) => !isHarmless);
  if (grave.length > 0 && !migrates) throw mustMigrate(grave, COMMAND);
  const tables = rawTablesOf(contracts);
  await warehouse.run('begin transaction');
  try {
    for (const change of changes) {
      const table = tables.find(({ name }) => name === change.entity);
      if (table !== undefined) await migrate(warehouse, change, table);
    }
    await createRawTables(warehouse, tables);
    await storeSchemas(warehouse, contracts);
    const retried = retriesRejected ? await retryRejected(warehouse, contracts) : undefined;
    await warehouse.run('commit');
    const migrated = changes.map(({ entity, retyped, invalid }) => ({
      entity,
      retyped: retyped.map(({ column }) => column),
      rejected: invalid,
    }));
    return { ...(migrates ? { migrated } : {}), ...(retried === undefined ? {} : { retried }) };
  } catch (error) {
    await warehouse.run('rollback');
    throw error;
  }
}

async function newestBatchOf(warehouse: Warehouse): Promise<string | null> {
  const { rows } = await warehouse.query('select batch_id from raw.batches order by batch_seq desc limit 1');
  const id = rows[0]?.[0];
  return typeof id === 'string' ? id : null;
}

function conclude(
  names: readonly string[],
  batches: readonly BatchReport[],
  newestBatch: string | null,
  changed: History,
  ms: number,
): CommandResult<LoadReport> {
  const refused = batches.some(({ status }) => status === 'refused');
  const loaded = batches.filter(({ status }) => status === 'loaded');
  const hasChanged =
    (changed.migrated ?? []).length > 0 || Object.values(changed.retried ?? {}).some(({ loaded: taken }) => taken > 0);
  const status = refused ? 'refused' : loaded.length > 0 || hasChanged ? 'loaded' : 'unchanged';
  const counted = refused ? batches.filter((batch) => batch.status !== 'unchanged') : loaded;
  const total = (name: string): EntityCounts => ({
    read: counted.reduce((sum, batch) => sum + (batch.entities[name]?.read ?? 0), 0),
    loaded: loaded.reduce((sum, batch) => sum + (batch.entities[name]?.loaded ?? 0), 0),
    rejected: counted.reduce((sum, batch) => sum + (batch.entities[name]?.rejected ?? 0), 0),
  });
  const entities = Object.fromEntries(names.map((name) => [name, total(name)]));
  return {
    exitCode: refused ? 1 : 0,
    report: { batch: loaded.at(-1)?.batch ?? null, entities, status, ...changed, batches, newestBatch, ms },
  };
}
