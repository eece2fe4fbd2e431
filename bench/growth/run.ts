import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { projectRoot } from '../../cli/src/config/paths.ts';
import { processTree } from '../../cli/test/support/process-tree.ts';
import { copyProject } from '../../cli/test/support/project-copy.ts';
import { Watching } from '../../cli/test/support/watching.ts';
import { measureMarts } from '../dev-loop/marts.ts';
import { median } from '../support/figures.ts';
import { memoryOf } from '../support/processes.ts';

/**
 * Measures the same things on samples of several sizes: what a save costs beside DuckDB alone, which should stay the same, the load and
 * the first build, which may grow as the data does, and the memory that they take.
 *
 *     npx tsx bench/growth/run.ts --scales 1,3,10 --saves 5 --marts 6
 */
const { values } = parseArgs({
  options: {
    scales: { type: 'string', default: '1,3,10' },
    saves: { type: 'string', default: '5' },
    // How many marts to save.
    marts: { type: 'string', default: '6' },
  },
});
const toolchain = process.env.MEETUP_TOOLCHAIN_DIR || join(projectRoot, '.meetup/toolchain');

interface Figures {
  readonly databaseMb: number;
  readonly loadMs: number;
  readonly loadMb: number;
  readonly buildMs: number;
  readonly aloneMs: number;
  readonly overheadMs: number;
  readonly overheadCpuMs: number;
  readonly watchMb: number;
}

const rows: readonly { readonly title: string; readonly unit: string; readonly of: (figures: Figures) => number }[] = [
  { title: 'database', unit: 'MB', of: ({ databaseMb }) => databaseMb },
  { title: 'load', unit: 'ms', of: ({ loadMs }) => loadMs },
  { title: 'load, most memory', unit: 'MB', of: ({ loadMb }) => loadMb },
  { title: 'first dev --watch until ready', unit: 'ms', of: ({ buildMs }) => buildMs },
  { title: 'a mart, DuckDB alone', unit: 'ms', of: ({ aloneMs }) => aloneMs },
  { title: 'a mart, overhead of a save', unit: 'ms', of: ({ overheadMs }) => overheadMs },
  { title: 'the same in processor time', unit: 'ms', of: ({ overheadCpuMs }) => overheadCpuMs },
  { title: 'dev --watch after that, memory', unit: 'MB', of: ({ watchMb }) => watchMb },
];

/** Runs a command and returns its duration and the most memory that it and its processes took at one moment. */
async function watched(child: ChildProcess): Promise<{ ms: number; mb: number }> {
  const started = performance.now();
  let most = 0;
  const look = setInterval(() => {
    try {
      if (child.pid !== undefined) most = Math.max(most, memoryOf(processTree(child.pid)));
    } catch {
      // A process has just ended.
    }
  }, 25);
  const [code] = await once(child, 'exit');
  clearInterval(look);
  if (code !== 0) throw new Error(`${child.spawnargs.join(' ')} ended with ${code}`);
  return { ms: performance.now() - started, mb: most / 1e6 };
}

async function measure(scale: string): Promise<Figures> {
  const folder = await mkdtemp(join(tmpdir(), 'meetup-bench-growth-'));
  const [project, state, log] = [join(folder, 'project'), join(folder, 'state'), join(folder, 'statements.jsonl')];
  const env = { ...process.env, MEETUP_PROJECT_DIR: project, MEETUP_TOOLCHAIN_DIR: toolchain };
  const meetup = (...args: string[]): ChildProcess =>
    spawn(join(projectRoot, 'meetup'), args, { env, stdio: 'ignore' });
  try {
    await copyProject(project);
    await watched(meetup('generate', '--scale', scale, '--out', join(project, 'data')));
    const load = await watched(meetup('load', '--state-dir', state));
    // The engine that the watch starts logs its statements.
    process.env.MEETUP_STATEMENT_LOG = log;
    const started = performance.now();
    const watching = new Watching(project, state);
    await watching.ready;
    const buildMs = performance.now() - started;
    const python = join(toolchain, 'python/bin/python');
    let watchMb = 0;
    const marts = await measureMarts(
      watching,
      { project, state, folder, python, log },
      {
        saves: Number(values.saves),
        marts: Number(values.marts),
        beforeEnd: () => {
          watchMb = memoryOf(watching.processes()) / 1e6;
        },
      },
    );
    return {
      databaseMb: statSync(join(state, 'meetup.duckdb')).size / 1e6,
      loadMs: load.ms,
      loadMb: load.mb,
      buildMs,
      aloneMs: median(marts.map(({ alone }) => alone)),
      overheadMs: median(marts.map(({ green, alone }) => green - alone)),
      overheadCpuMs: median(marts.map(({ greenCpu, aloneCpu }) => greenCpu - aloneCpu)),
      watchMb,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const scales = values.scales.split(',');
const measured: Figures[] = [];
for (const scale of scales) measured.push(await measure(scale));
console.log(['medians at scale'.padEnd(34), ...scales.map((scale) => scale.padStart(12)), '   last : first'].join(''));
for (const { title, unit, of } of rows) {
  const figures = measured.map(of);
  const shown = figures.map((figure) => `${figure.toFixed(0)} ${unit}`.padStart(12));
  const ratio = (figures.at(-1) ?? Number.NaN) / (figures[0] ?? Number.NaN);
  console.log([title.padEnd(34), ...shown, `   ${ratio.toFixed(1)} ×`].join(''));
}
