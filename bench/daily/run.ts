import { copyFile, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import type { Effects } from '../../cli/src/config/effects.ts';
import { type Paths, projectRoot, resolvePaths } from '../../cli/src/config/paths.ts';
import { EngineClient } from '../../cli/src/engine/client.ts';
import type { NodeResult } from '../../cli/src/engine/protocol.ts';
import { generate } from '../../cli/src/generate/generate.ts';
import { load } from '../../cli/src/ingest/load.ts';
import { styleFor } from '../../cli/src/text/style.ts';
import { renderTable } from '../../cli/src/text/table.ts';
import { DuckDbWarehouse } from '../../cli/src/warehouse/duckdb.ts';
import { quoteIdentifier, quoteLiteral } from '../../cli/src/warehouse/sql.ts';
import type { Cell } from '../../cli/src/warehouse/warehouse.ts';

/**
 * Measures the cost of a daily drop for each model. Loads and builds a generated data set, then some generated drops, one `dev` each,
 * and prints for each drop what its models took, and for the last one the rows that each model wrote, the rows that changed, and the CPU
 * seconds that it took, compared with those of a full refresh. Fails if any table then differs from that of the full refresh.
 *
 * `--late 10` lets ten of the drops arrive after later ones.
 */
const { values } = parseArgs({
  options: {
    scale: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    drops: { type: 'string', default: '1' },
    late: { type: 'string', default: '0' },
    json: { type: 'boolean', default: false },
  },
});
const drops = Number(values.drops);

const effects: Effects = {
  clock: { now: () => Date.now(), elapsed: () => performance.now() },
  reporter: { note: () => undefined, progress: () => undefined, warn: () => undefined, detail: () => undefined },
  env: process.env,
  signal: new AbortController().signal,
};

interface Measured {
  readonly rows: readonly Row[];
  /** The tables that a full refresh changed. */
  readonly differing: readonly string[];
  /** Of all models, including those that the drop left alone. */
  readonly fullSeconds: number;
}

interface Row {
  readonly model: string;
  readonly rows: number;
  readonly written: number;
  readonly changed: number;
  readonly seconds: number;
  readonly fullSeconds: number;
}

function sum<T>(items: readonly T[], figure: (item: T) => number): number {
  return items.reduce((total, item) => total + figure(item), 0);
}

/** CPU time, which is independent of other load on the machine. */
const secondsOf = (node: NodeResult | undefined): number => (node?.cpuMs ?? 0) / 1000;

/**
 * The result of every model that `dev` builds, by name. Nodes run one at a time, so that the process's CPU time is the node's. What it takes
 * to recognise changed tables and to run tests isn't counted, in the drop as in the full refresh.
 */
async function build(engine: EngineClient, fullRefresh: boolean): Promise<Map<string, NodeResult>> {
  const answer = await engine.affected({ target: 'dev', threads: 1, fullRefresh });
  const failed = answer.nodes.find((node) => ['error', 'fail', 'skipped', 'runtime error'].includes(node.status));
  if (answer.status !== 'pass' || failed !== undefined) {
    throw new Error(`The build failed: ${failed?.name} ${failed?.message ?? JSON.stringify(answer.problems)}`);
  }
  const models = answer.nodes.filter((node) => node.resourceType === 'model');
  return new Map(models.map((node) => [node.name, node]));
}

/** For each table, the number of rows, and of rows that are new, gone or different. A different row counts once. */
async function countChanges(before: string, after: string): Promise<Map<string, { rows: number; changed: number }>> {
  const warehouse = await DuckDbWarehouse.inMemory();
  try {
    await warehouse.run(`attach ${quoteLiteral(before)} as old (read_only)`);
    await warehouse.run(`attach ${quoteLiteral(after)} as new (read_only)`);
    const { rows: tables } = await warehouse.query(
      `select schema_name, table_name from duckdb_tables() where database_name = 'new' and schema_name <> 'raw'`,
    );
    const counts = new Map<string, { rows: number; changed: number }>();
    for (const [schema, name] of tables) {
      const table = `${quoteIdentifier(String(schema))}.${quoteIdentifier(String(name))}`;
      const only = (some: string, other: string): string =>
        `(select count(*) from (from ${some}.${table} except all from ${other}.${table}))`;
      const { rows } = await warehouse.query(
        `select (select count(*) from new.${table}), greatest(${only('old', 'new')}, ${only('new', 'old')})`,
      );
      counts.set(String(name), { rows: Number(rows[0]?.[0]), changed: Number(rows[0]?.[1]) });
    }
    return counts;
  } finally {
    await warehouse.close();
  }
}

/** Moves the folders of the daily drops out of the data folder, and returns them in order. */
async function setAsideDrops(data: string, aside: string): Promise<string[]> {
  await mkdir(aside);
  const days = (await readdir(data)).filter((name) => /^\d{4}-\d{2}-\d{2}$/.test(name)).sort();
  for (const day of days) await rename(join(data, day), join(aside, day));
  return days;
}

/** The order in which drops arrive: in each of `late` equal parts of them, the first one arrives last. */
function arrivals(days: readonly string[], late: number): string[] {
  if (late === 0) return [...days];
  const size = Math.floor(days.length / late);
  if (size < 2) throw new Error(`Of ${days.length} drops, at most half can be late.`);
  return Array.from({ length: Math.ceil(days.length / size) }, (_, part) => {
    const [first, ...others] = days.slice(part * size, (part + 1) * size);
    return first === undefined ? others : part < late ? [...others, first] : [first, ...others];
  }).flat();
}

async function measure(paths: Paths, engine: EngineClient, folder: string): Promise<Measured> {
  await generate({ out: paths.data, scale: Number(values.scale), seed: Number(values.seed), days: drops }, effects);
  const days = await setAsideDrops(paths.data, join(folder, 'drops'));
  await load({ paths, maxRejected: 0.05 }, effects);
  await build(engine, false);
  let daily = new Map<string, NodeResult>();
  const before = join(folder, 'before.duckdb');
  for (const [index, day] of arrivals(days, Number(values.late)).entries()) {
    await rename(join(folder, 'drops', day), join(paths.data, day));
    await load({ paths, maxRejected: 0.05 }, effects);
    await copyFile(paths.workDatabase, before);
    daily = await build(engine, false);
    const nodes = [...daily.values()];
    const seconds = sum(nodes, secondsOf);
    const written = sum(nodes, (node) => node.rowsWritten ?? 0);
    if (!values.json)
      console.log(`drop ${index + 1}: ${nodes.length} models took ${seconds.toFixed(2)} s and wrote ${written} rows`);
  }
  const after = join(folder, 'after.duckdb');
  await copyFile(paths.workDatabase, after);
  const counts = await countChanges(before, after);
  const full = await build(engine, true);
  const refreshed = join(folder, 'refreshed.duckdb');
  await copyFile(paths.workDatabase, refreshed);
  const differing = [...(await countChanges(after, refreshed))]
    // The stored states of incremental models are no results.
    .filter(([name, { changed }]) => changed > 0 && !name.endsWith('__seen'))
    .map(([name]) => name);
  const rows = [...daily.values()].map((node) => ({
    model: node.name,
    rows: counts.get(node.name)?.rows ?? 0,
    written: node.rowsWritten ?? 0,
    changed: counts.get(node.name)?.changed ?? 0,
    seconds: secondsOf(node),
    fullSeconds: secondsOf(full.get(node.name)),
  }));
  return { rows, differing, fullSeconds: sum([...full.values()], secondsOf) };
}

function render({ rows, differing, fullSeconds }: Measured): string {
  const cells = rows
    .toSorted((a, b) => b.seconds - a.seconds)
    .map((row): Cell[] => [
      row.model,
      row.rows,
      row.written,
      row.changed,
      Number(row.seconds.toFixed(2)),
      Number(row.fullSeconds.toFixed(2)),
    ]);
  const columns = ['model', 'rows', 'rows written', 'rows changed', 'seconds', 'full refresh'].map((name) => ({
    name,
  }));
  const [written, changed] = [sum(rows, (row) => row.written), sum(rows, (row) => row.changed)];
  const seconds = sum(rows, (row) => row.seconds);
  const share = (100 * seconds) / fullSeconds;
  return [
    renderTable(columns, cells, styleFor({ isTTY: false, columns: 120 }, {})),
    '',
    `rows written ${written}, changed ${changed}: ${(written / changed).toFixed(2)} times (goal: at most 5)`,
    `models took ${seconds.toFixed(2)} s of ${fullSeconds.toFixed(2)} s for a full refresh: ${share.toFixed(0)} % (goal: at most 15)`,
    'seconds: CPU time of models, without data tests, recognising changed tables and the checkpoint when the file is closed',
    `tables that differ from a full refresh: ${differing.join(', ') || 'none'}`,
  ].join('\n');
}

const folder = await mkdtemp(join(tmpdir(), 'meetup-bench-daily-'));
const toolchain = process.env.MEETUP_TOOLCHAIN_DIR || join(projectRoot, '.meetup/toolchain');
const paths = resolvePaths(
  { data: join(folder, 'data'), stateDir: join(folder, 'state') },
  { MEETUP_TOOLCHAIN_DIR: toolchain },
  folder,
);
const engine = new EngineClient(paths, effects);
try {
  const measured = await measure(paths, engine, folder);
  console.log(values.json ? JSON.stringify(measured) : render(measured));
  if (measured.differing.length > 0) process.exitCode = 1;
} finally {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
}
