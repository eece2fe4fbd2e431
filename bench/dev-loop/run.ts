import { execFileSync } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { projectRoot } from '../../cli/src/config/paths.ts';
import { copyProject } from '../../cli/test/support/project-copy.ts';
import { Watching } from '../../cli/test/support/watching.ts';
import { median, percentile } from '../support/figures.ts';
import { memoryOf, processorTimeOf } from '../support/processes.ts';
import { type MartFigures, measureMarts, spread } from './marts.ts';

/**
 * Measures the time from a save until the result is on screen, for each kind of change and for every mart, and compares it with a cold
 * `dbt build --select model+`, and for marts with the time that DuckDB alone takes for the same statements. Everything happens in one
 * run, on one copy of the project.
 *
 *     npx tsx bench/dev-loop/run.ts --scale 1 --saves 20
 */
const { values } = parseArgs({
  options: {
    scale: { type: 'string', default: '1' },
    saves: { type: 'string', default: '20' },
    // How often dbt builds a changed model cold, and how many of the marts it builds.
    cold: { type: 'string', default: '3' },
    // How many marts to measure. All of them by default.
    marts: { type: 'string', default: '1000' },
    // Milliseconds between two saves. The engine tidies up when it has nothing to do for a moment, as it does between a person's saves.
    pause: { type: 'string', default: '0' },
    // Names of kinds of change, separated by commas, and `marts`. All of them by default.
    only: { type: 'string' },
    // The number of additional rebuilds, to see whether memory grows. 500 take three minutes.
    rebuilds: { type: 'string', default: '0' },
  },
});
const toolchain = process.env.MEETUP_TOOLCHAIN_DIR || join(projectRoot, '.meetup/toolchain');
const meetup = join(projectRoot, 'meetup');

/** Each save differs from all previous ones, so that none is skipped as unchanged. */
const allKinds: readonly {
  name: string;
  file: string;
  change: (text: string, save: number) => string;
  cold?: string;
}[] = [
  {
    name: 'comment only',
    file: 'dbt/models/marts/organisers/time_slots.sql',
    change: (text, save) => `-- look ${save}\n${text.replace(/^-- look \d+\n/, '')}`,
  },
  {
    name: 'leaf mart',
    // Changes the medians of slots with enough events, so that the content changes and its tests have to run.
    file: 'dbt/models/marts/organisers/time_slots.sql',
    change: (text, save) =>
      text.replace(
        /left join (counted|\(.*\) as counted)\n/,
        `left join (select * replace (median_fill + ${save} as median_fill) from counted where held_events > 3 union all select * from counted where held_events <= 3) as counted\n`,
      ),
  },
  {
    name: 'middle model',
    file: 'dbt/models/intermediate/int_active_members.sql',
    change: (text, save) => text.replace(/where (\d+ = \d+ and )?is_held/, `where ${save} = ${save} and is_held`),
    cold: 'int_active_members+',
  },
  {
    name: 'staging model',
    file: 'dbt/models/staging/stg_meetup__venues.sql',
    change: (text, save) => `${text.replace(/\nwhere \d+ = \d+\n$/, '').trimEnd()}\nwhere ${save} = ${save}\n`,
    cold: 'stg_meetup__venues+',
  },
  {
    name: 'macro',
    file: 'dbt/macros/rules/numbers.sql',
    change: (text, save) =>
      text.replace(/nullif\((.*?), 0( \+ \d+ - \d+)?\)/, (_, of: string) => `nullif(${of}, 0 + ${save} - ${save})`),
  },
  {
    name: 'YAML description',
    file: 'dbt/models/marts/organisers/_organisers__models.yml',
    change: (text, save) =>
      text.replace(/One row per local weekday and hour( \(\d+\))?/, `One row per local weekday and hour (${save})`),
  },
  {
    name: 'fixture',
    file: 'fixtures/models/time_slots/slots.yml',
    // Changes a row that the model ignores, so that the test still passes.
    change: (text, save) => text.replace(/('coming', yes_seats: )\d+/, `$1${save}`),
  },
];

const measures = (name: string): boolean => values.only?.split(',').includes(name) ?? true;
const kinds = allKinds.filter(({ name }) => measures(name));

const folder = await mkdtemp(join(tmpdir(), 'meetup-bench-dev-loop-'));
const state = join(folder, 'state');
const project = join(folder, 'project');
const log = join(folder, 'statements.jsonl');
const python = join(toolchain, 'python/bin/python');
const env = { ...process.env, MEETUP_PROJECT_DIR: project, MEETUP_TOOLCHAIN_DIR: toolchain };
// The engine that the watch starts logs its statements.
if (measures('marts')) process.env.MEETUP_STATEMENT_LOG = log;

/** The share of one core (percent) that processes use over ten seconds while nothing changes. */
async function idleShare(pids: readonly number[]): Promise<number> {
  await delay(3000);
  const before = processorTimeOf(pids);
  await delay(10_000);
  return (processorTimeOf(pids) - before) / 100;
}

function timeCold(selection: string): number {
  const places = [
    '--project-dir',
    join(project, 'dbt'),
    '--profiles-dir',
    join(project, 'profiles'),
    '--target-path',
    join(folder, 'cold'),
    '--log-path',
    join(folder, 'cold'),
  ];
  const started = performance.now();
  execFileSync(python, ['-m', 'dbt.cli.main', 'build', '--select', selection, ...places], {
    env: { ...process.env, MEETUP_DUCKDB_PATH: join(folder, 'cold', 'meetup.duckdb') },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return performance.now() - started;
}

function ms(figure: number): string {
  return `${figure.toFixed(0)} ms`.padStart(9);
}

function printMarts(marts: readonly MartFigures[]): void {
  if (marts.length === 0) return;
  console.log(
    `\nmart, of ${values.saves} saves      green   DuckDB alone   overhead   in processor time: green, alone, overhead`,
  );
  for (const mart of marts) {
    const { green, alone, greenCpu, aloneCpu } = mart;
    const tests = `${mart.unitTests} unit tests, ${mart.dataTests} data tests${mart.changesRows ? '' : ', same rows'}`;
    console.log(
      `${mart.name.padEnd(24)}${[green, alone, green - alone, greenCpu, aloneCpu, greenCpu - aloneCpu].map(ms).join('  ')}   ${tests}, ${mart.statements} statements`,
    );
  }
  const overheads = marts.map(({ green, alone }) => green - alone);
  const processor = marts.map(({ greenCpu, aloneCpu }) => greenCpu - aloneCpu);
  console.log(
    `median overhead of all marts: ${ms(median(overheads)).trim()}, in processor time ${ms(median(processor)).trim()}`,
  );
}

try {
  await copyProject(project);
  execFileSync(meetup, ['generate', '--scale', values.scale, '--out', join(project, 'data')], { env, stdio: 'ignore' });
  const watching = new Watching(project, state);
  await watching.ready;
  console.log(
    `kind of change        median        p95  processor time   of ${values.saves} saves, sample at scale ${values.scale}`,
  );
  const medians = new Map<string, number>();
  for (const { name, file, change } of kinds) {
    const [times, processor]: [number[], number[]] = [[], []];
    for (let save = 0; save <= Number(values.saves); save += 1) {
      const processes = watching.processes();
      const before = processorTimeOf(processes);
      const { ms: time, done } = await watching.save(file, (text) => change(text, 1000 + save));
      const used = processorTimeOf(processes) - before;
      if (done.failing.length > 0) throw new Error(`${name}: ${done.failing.join(', ')} failed`);
      // The first save may fill caches that are full in daily use.
      if (save === 0) continue;
      times.push(time);
      processor.push(used);
      await delay(Number(values.pause));
    }
    medians.set(name, median(times));
    console.log(`${name.padEnd(18)} ${ms(median(times))}  ${ms(percentile(times, 0.95))}  ${ms(median(processor))}`);
  }
  const [, leaf] = allKinds;
  for (let rebuild = 1; leaf !== undefined && rebuild <= Number(values.rebuilds); rebuild += 1) {
    await watching.save(leaf.file, (text) => leaf.change(text, 5000 + rebuild));
    if (rebuild % 100 === 0) {
      console.log(`after ${rebuild} more rebuilds: ${(memoryOf(watching.processes()) / 1e6).toFixed(0)} MB`);
    }
  }
  console.log(`memory of CLI and engine together: ${(memoryOf(watching.processes()) / 1e6).toFixed(0)} MB`);
  console.log(`processor time while idle: ${(await idleShare(watching.processes())).toFixed(2)} %`);
  const marts = measures('marts')
    ? await measureMarts(
        watching,
        { project, state, folder, python, log },
        {
          saves: Number(values.saves),
          marts: Number(values.marts),
        },
      )
    : [];
  await watching.stop();
  printMarts(marts);
  // The copy has the same name, because DuckDB's views contain the database name.
  await cp(join(state, 'work/meetup.duckdb'), join(folder, 'cold', 'meetup.duckdb'));
  for (const { name, cold } of kinds) {
    if (cold === undefined) continue;
    const times = Array.from({ length: Number(values.cold) }, () => timeCold(cold));
    const warm = medians.get(name) ?? Number.NaN;
    console.log(
      `${name}: cold dbt build --select ${cold} takes ${ms(median(times)).trim()}, ${(median(times) / warm).toFixed(1)} × as long`,
    );
  }
  for (const mart of spread(marts, Number(values.cold))) {
    const cold = timeCold(`${mart.name}+`);
    console.log(
      `${mart.name}: cold dbt build --select ${mart.name}+ takes ${ms(cold).trim()}, ${(cold / mart.green).toFixed(1)} × as long`,
    );
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
