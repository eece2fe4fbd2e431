import { execFileSync } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { projectRoot } from '../../cli/src/config/paths.ts';
import type { Outcome, Watching } from '../../cli/test/support/watching.ts';
import { median } from '../support/figures.ts';
import { processorTimeOf } from '../support/processes.ts';

/** The places of one run of the benchmark. */
export interface Places {
  readonly project: string;
  readonly state: string;
  readonly folder: string;
  readonly python: string;
  /** The engine's log of statements. */
  readonly log: string;
}

export interface MartFigures {
  readonly name: string;
  /** Save to green in milliseconds. */
  readonly green: number;
  /** Processor time of the command line and the engine from the save until it is green. */
  readonly greenCpu: number;
  /** DuckDB alone, with exactly the same statements of the model, its data tests and its unit tests. */
  readonly alone: number;
  readonly aloneCpu: number;
  readonly statements: number;
  readonly dataTests: number;
  readonly unitTests: number;
  /** Nothing noticed a changed cell; otherwise only the statement changes, and data tests have nothing to do. */
  readonly changesRows: boolean;
}

interface Column {
  readonly name: string;
  readonly type: string;
  /** Its largest value, as text. */
  readonly largest: string;
}

interface Save {
  readonly outcome: Outcome;
  readonly cpu: number;
  /** Where its statements are in the log. */
  readonly from: number;
  readonly to: number;
}

/** Some of many, evenly spread. */
export function spread<T>(of: readonly T[], count: number): T[] {
  return of.filter(
    (_, at) =>
      Math.floor(((at + 1) * Math.min(count, of.length)) / of.length) >
      Math.floor((at * Math.min(count, of.length)) / of.length),
  );
}

/** How many columns of a mart are tried. */
const MOST_COLUMNS = 6;

const columnsSchema = z.array(z.object({ mart: z.string(), name: z.string(), type: z.string() }));
const largestSchema = z.array(z.object({ column: z.number(), largest: z.string().nullable() }));
const timesSchema = z.array(z.object({ ms: z.number(), cpuMs: z.number(), statements: z.number() }));

/**
 * Measures a save of every mart: the time until it is green, and the time that DuckDB alone takes for the same statements. Each save
 * changes the largest values of one column, so that the model is built and its tests run: of the first column whose change no test
 * notices. Stops the watch, because DuckDB alone needs a copy of its file.
 */
export async function measureMarts(
  watching: Watching,
  places: Places,
  { saves, marts, beforeEnd }: { saves: number; marts: number; beforeEnd?: () => void },
): Promise<MartFigures[]> {
  const measured: { name: string; saves: Save[]; changesRows: boolean }[] = [];
  const columns = columnsOf(places);
  for (const file of spread(martsIn(places.project), marts)) {
    const name = basename(file, '.sql');
    measured.push({ name, ...(await measureMart(watching, places, file, columns.get(name) ?? [], saves)) });
  }
  beforeEnd?.();
  await watching.stop();
  const alone = timesOfDuckDb(
    places,
    measured.flatMap((mart) => mart.saves),
  );
  return measured.map((mart) => figuresOf(mart, alone.splice(0, mart.saves.length)));
}

/** The files of all marts, relative to the project. */
function martsIn(project: string): string[] {
  const folder = 'dbt/models/marts';
  const files = readdirSync(join(project, folder), { recursive: true, encoding: 'utf8' });
  return files
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => join(folder, file));
}

function figuresOf(
  { name, saves, changesRows }: { name: string; saves: readonly Save[]; changesRows: boolean },
  alone: z.infer<typeof timesSchema>,
): MartFigures {
  const tests = (saves.at(-1)?.outcome.events ?? []).filter(({ event }) => event === 'test');
  const unitTests = tests.filter(({ kind }) => kind === 'unit_test').length;
  return {
    name,
    green: median(saves.map(({ outcome }) => outcome.ms)),
    greenCpu: median(saves.map(({ cpu }) => cpu)),
    alone: median(alone.map(({ ms }) => ms)),
    aloneCpu: median(alone.map(({ cpuMs }) => cpuMs)),
    statements: median(alone.map(({ statements }) => statements)),
    dataTests: tests.length - unitTests,
    unitTests,
    changesRows,
  };
}

async function measureMart(
  watching: Watching,
  places: Places,
  file: string,
  columns: readonly Column[],
  count: number,
): Promise<{ saves: Save[]; changesRows: boolean }> {
  const name = basename(file, '.sql');
  const original = readFileSync(join(places.project, file), 'utf8');
  const save = (text: string): Promise<Save> => measuredSave(watching, places, file, text);
  const several = async (textOf: (save: number) => string): Promise<{ saves: Save[]; failing: string[] }> => {
    const saves: Save[] = [];
    for (let at = 1; at <= count; at += 1) saves.push(await save(textOf(at)));
    await save(original);
    return { saves, failing: saves.flatMap(({ outcome }) => outcome.done.failing) };
  };
  for (const column of columns.slice(0, MOST_COLUMNS)) {
    // It also fills caches that are full in daily use.
    const { failing, unchanged } = (await save(changed(original, column, 0))).outcome.done;
    if (failing.length > 0 || unchanged.includes(name)) {
      await save(original);
      continue;
    }
    // A later change may be one that a test forbids, although the first one wasn't.
    const attempt = await several((at) => changed(original, column, at));
    if (attempt.failing.length === 0) return { saves: attempt.saves, changesRows: true };
  }
  const sameRows = (at: number): string => `select * from (\n${original}\n) as measured\nwhere ${at} = ${at}\n`;
  await save(sameRows(0));
  const { saves, failing } = await several(sameRows);
  if (failing.length > 0) throw new Error(`${name}: ${failing.join(', ')} failed`);
  return { saves, changesRows: false };
}

async function measuredSave(watching: Watching, { log }: Places, file: string, text: string): Promise<Save> {
  const processes = watching.processes();
  const [from, before] = [sizeOf(log), processorTimeOf(processes)];
  const outcome = await watching.save(file, text);
  return { outcome, cpu: processorTimeOf(processes) - before, from, to: sizeOf(log) };
}

/** The model with other values where a column has its largest one, so that they are still plausible. */
function changed(sql: string, { name, type, largest }: Column, count: number): string {
  const other = type === 'DOUBLE' ? `${name} * (1 - 1e-6 * ${count + 1})` : `${name} - ${count + 1}`;
  return `select * replace (case when ${name} >= ${largest} then ${other} else ${name} end as ${name}) from (\n${sql}\n) as measured\n`;
}

/** The numeric columns of all marts, the least likely to be a key first, by mart. */
function columnsOf(places: Places): Map<string, Column[]> {
  const columns = columnsSchema.parse(
    ask(
      places,
      `select table_name as mart, column_name as name, data_type as type from information_schema.columns
       where table_schema = 'marts' and data_type in ('DOUBLE', 'BIGINT', 'INTEGER')
       order by data_type <> 'DOUBLE', ordinal_position desc`,
    ),
  );
  const largest = columns.map(({ mart, name, type }, at) => {
    const scale = type === 'DOUBLE' ? ' * 0.999' : '';
    return `select ${at} as column, (max(${name})${scale})::varchar as largest from marts.${mart}`;
  });
  const rows = largestSchema.parse(ask(places, largest.join(' union all ')));
  const found = new Map<string, Column[]>();
  for (const { column: at, largest: value } of rows.sort((one, other) => one.column - other.column)) {
    const column = columns[at];
    if (column === undefined || value === null || Number(value) <= 0) continue;
    found.set(column.mart, [...(found.get(column.mart) ?? []), { ...column, largest: value }]);
  }
  return found;
}

function ask({ project, state }: Places, sql: string): unknown {
  const env = { ...process.env, MEETUP_PROJECT_DIR: project };
  const answer = execFileSync(join(projectRoot, 'meetup'), ['query', '--json', '--state-dir', state, sql], { env });
  return JSON.parse(answer.toString());
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** How often DuckDB alone runs the statements of each save. */
const REPEATS = 3;

function timesOfDuckDb({ state, folder, python, log }: Places, saves: readonly Save[]): z.infer<typeof timesSchema> {
  // The copy has the same name, because DuckDB's views contain the database name.
  const database = join(folder, 'meetup.duckdb');
  copyFileSync(join(state, 'meetup.duckdb'), database);
  const script = join(projectRoot, 'bench/dev-loop/duckdb_alone.py');
  const offsets = saves.flatMap(({ from, to }) => [String(from), String(to)]);
  const answer = execFileSync(python, [script, database, log, String(REPEATS), ...offsets], { maxBuffer: 1 << 26 });
  return timesSchema.parse(JSON.parse(answer.toString()));
}
