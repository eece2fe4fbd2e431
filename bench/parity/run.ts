import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { bucketsOf } from '../../cli/src/compare/buckets.ts';
import { compareMarts, type MartComparison } from '../../cli/src/compare/compare.ts';
import { databricksSide, duckDbSide, type Side } from '../../cli/src/compare/side.ts';
import { silentEffects } from '../../cli/src/config/effects.ts';
import { resolvePaths } from '../../cli/src/config/paths.ts';
import { connectTarget, remoteTarget } from '../../cli/src/targets/target.ts';
import { quoteNames } from '../../cli/src/warehouse/databricks-sql.ts';
import { DuckDbWarehouse } from '../../cli/src/warehouse/duckdb.ts';
import { median } from '../support/figures.ts';

/**
 * Measures how long it takes to compare two marts, per million rows. A table like `fct_rsvps`, with additional doubles, is created by
 * the same SQL in DuckDB and in the rehearsal, which is started if necessary. Measures the fingerprints on each side, then the complete
 * comparison with no differing rows and with ten.
 */
const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    runs: { type: 'string', default: '3' },
    'state-dir': { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const rows = Number(values.rows);
const runs = Number(values.runs);
const SCHEMA = 'bench_parity';
const NAME = 'rsvps';
const TEN_ROWS = `id < ${rows} and id % ${Math.ceil(rows / 10)} = 0`;

const effects = silentEffects({ env: process.env });
const stateDir = values['state-dir'];
const paths = resolvePaths(stateDir === undefined ? {} : { stateDir }, process.env, process.cwd());

/** SQL for the same values on both engines. */
const columns = (text: string, moment: string): string => `cast(id as bigint) as id,
  md5(cast(id as ${text})) as rsvp_key, md5(cast(id % 5000 as ${text})) as event_key, cast(id % 2000 as bigint) as group_id,
  cast(id * 7919 % 150000 as bigint) as user_id, case when id % 3 = 0 then 'yes' when id % 3 = 1 then 'no' else null end as response,
  cast(id % 4 as bigint) as guests, ${moment} as responded_at, cast(id as double) / 7 as hours, cast(id % 13 as double) / 12 as share`;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

async function repeated(work: () => Promise<unknown>): Promise<number> {
  const figures: number[] = [];
  for (let run = 0; run < runs; run++) figures.push(await timed(work));
  return median(figures);
}

async function compared(from: Side, to: Side): Promise<MartComparison> {
  const mart = { uniqueId: NAME, schema: SCHEMA, name: NAME, keys: ['id'] };
  const [comparison] = await compareMarts(from, to, [mart], { elapsed: effects.clock.elapsed });
  if (comparison === undefined) throw new Error('nothing was compared');
  return comparison;
}

function expectFound(comparison: MartComparison, changed: number): void {
  if (comparison.counts.changed === changed && comparison.rows.to === rows && comparison.columns.length === 0) return;
  throw new Error(`expected ${changed} changed rows of ${rows}, found ${JSON.stringify(comparison)}`);
}

const target = await remoteTarget('rehearsal', paths, effects, { start: true });
const connection = await connectTarget(target, effects);
const place = quoteNames(target.catalog, SCHEMA, NAME);
const local = await DuckDbWarehouse.inMemory();
try {
  await local.run(`create schema ${SCHEMA}`);
  await local.run(
    `create table ${SCHEMA}.${NAME} as select ${columns('varchar', 'make_timestamp(1500000000000000 + id * 1234567)')} from range(${rows}) as t(id)`,
  );
  await connection.run(`create schema if not exists ${quoteNames(target.catalog, SCHEMA)}`);
  await connection.run(
    `create or replace table ${place} using delta as select ${columns('string', 'timestamp_micros(1500000000000000 + id * 1234567)')} from range(${rows})`,
  );
  const [from, to] = [duckDbSide('dev', local), databricksSide('rehearsal', connection, target.catalog)];
  const shared = (await from.columns(SCHEMA, NAME)) ?? [];
  const table = { schema: SCHEMA, name: NAME, keys: shared.slice(0, 1), columns: shared };
  expectFound(await compared(from, to), 0);

  const duckDbMs = await repeated(() => bucketsOf(from, table));
  const sparkMs = await repeated(() => bucketsOf(to, table));
  const equalMs = await repeated(async () => expectFound(await compared(from, to), 0));
  await connection.run(`update ${place} set hours = hours + 1 where ${TEN_ROWS}`);
  const differentMs = await repeated(async () => expectFound(await compared(from, to), 10));

  const perMillion = (ms: number): number => Math.round((ms * 1_000_000) / rows);
  const figures = {
    rows,
    columns: shared.length,
    runs,
    msPerMillionRows: {
      fingerprintsInDuckDb: perMillion(duckDbMs),
      fingerprintsInSpark: perMillion(sparkMs),
      equalTables: perMillion(equalMs),
      tenRowsChanged: perMillion(differentMs),
    },
  };
  if (values.json) console.log(JSON.stringify(figures));
  else {
    const line = (what: string, ms: number): string => `${what.padEnd(34)} ${(ms / 1000).toFixed(2).padStart(7)} s`;
    const { msPerMillionRows: per } = figures;
    console.log(`${rows} rows, ${shared.length} columns; medians of ${runs} runs, per million rows:`);
    console.log(line('fingerprints in DuckDB', per.fingerprintsInDuckDb));
    console.log(line('fingerprints in the rehearsal', per.fingerprintsInSpark));
    console.log(line('comparison, nothing differs', per.equalTables));
    console.log(line('comparison, ten cells differ', per.tenRowsChanged));
  }
} finally {
  await connection.run(`drop schema if exists ${quoteNames(target.catalog, SCHEMA)} cascade`).catch(() => undefined);
  await connection.close();
  await local.close();
}
