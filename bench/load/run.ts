import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import type { Effects } from '../../cli/src/config/effects.ts';
import { resolvePaths } from '../../cli/src/config/paths.ts';
import { load } from '../../cli/src/ingest/load.ts';
import { DuckDbWarehouse } from '../../cli/src/warehouse/duckdb.ts';
import { quoteLiteral } from '../../cli/src/warehouse/sql.ts';
import { median } from '../support/figures.ts';
import { writeEvents } from './events-file.ts';

/**
 * Measures how much slower `load`, which validates every record, is than a bare `read_json` with explicit columns into a table. Both
 * run alternately in one process on the same file, and the result is the ratio of the medians. One file has only one in 2,000 records
 * that needs a closer look, the other has 5 %.
 */
const { values } = parseArgs({
  options: { mb: { type: 'string', default: '200' }, runs: { type: 'string', default: '5' } },
});
const folder = await mkdtemp(join(tmpdir(), 'meetup-bench-load-'));
const effects: Effects = {
  clock: { now: () => Date.now(), elapsed: () => performance.now() },
  reporter: { note: () => undefined, progress: () => undefined, warn: () => undefined, detail: () => undefined },
  env: {},
  signal: new AbortController().signal,
};

const BARE_COLUMNS = `{group_id: 'BIGINT', name: 'VARCHAR', description: 'VARCHAR', created: 'BIGINT', "time": 'BIGINT',
  duration: 'BIGINT', rsvp_limit: 'BIGINT', venue_id: 'BIGINT', status: 'VARCHAR',
  rsvps: 'STRUCT(user_id BIGINT, "when" BIGINT, response VARCHAR, guests BIGINT)[]'}`;

async function timeBare(file: string, target: string): Promise<number> {
  const started = performance.now();
  const warehouse = await DuckDbWarehouse.open(target, { readOnly: false });
  await warehouse.run(
    `create table events as select * from read_json(${quoteLiteral(file)}, columns = ${BARE_COLUMNS}, format = 'array')`,
  );
  await warehouse.close();
  return performance.now() - started;
}

async function timeLoad(data: string, stateDir: string): Promise<{ ms: number; rejected: number }> {
  const paths = resolvePaths({ data, stateDir }, {}, folder);
  const started = performance.now();
  const { report } = await load({ paths, maxRejected: 0.01 }, effects);
  return { ms: performance.now() - started, rejected: report.entities.events?.rejected ?? 0 };
}

/** Loads one file alternately in both ways, several times, and prints the ratio. */
async function compare(name: string, doubtful: number): Promise<void> {
  const data = join(folder, name);
  const written = await writeEvents(data, Number(values.mb) * 1_000_000, doubtful);
  const bare: number[] = [];
  const loaded: number[] = [];
  const cpu = { bare: 0, load: 0 };
  let rejected = 0;
  for (let round = 0; round < Number(values.runs); round += 1) {
    const [target, state] = [join(folder, `${name}-bare-${round}.duckdb`), join(folder, `${name}-state-${round}`)];
    const before = cpuSeconds();
    bare.push(await timeBare(written.file, target));
    const between = cpuSeconds();
    const timed = await timeLoad(data, state);
    cpu.bare += between - before;
    cpu.load += cpuSeconds() - between;
    loaded.push(timed.ms);
    rejected = timed.rejected;
    await rm(target, { force: true });
    await rm(state, { recursive: true, force: true });
  }
  await rm(data, { recursive: true, force: true });
  console.log(
    `${name}: events.json of ${(written.bytes / 1e6).toFixed(0)} MB, ${written.events} events, ${written.rsvps} RSVPs; ${rejected} rejected`,
  );
  console.log(`  bare read_json   median ${(median(bare) / 1000).toFixed(2)} s`);
  console.log(
    `  meetup load      median ${(median(loaded) / 1000).toFixed(2)} s  (hashed, validated, counted twice, transactional, published)`,
  );
  console.log(`  ratio            ${(median(loaded) / median(bare)).toFixed(2)}  (goal: at most 1.5)`);
  console.log(`  CPU time         ${(cpu.load / cpu.bare).toFixed(2)} times that of bare read_json`);
}

const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

try {
  await compare('plain', 0);
  await compare('doubtful', 0.05);
  console.log(
    `peak memory      ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB in one process for both (goal: below 1,500)`,
  );
} finally {
  await rm(folder, { recursive: true, force: true });
}
