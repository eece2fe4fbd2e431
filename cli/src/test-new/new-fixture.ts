import { existsSync } from 'node:fs';
import { link, mkdir, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Effects } from '../config/effects.ts';
import { hasCode, InterruptedError, MeetupError, messageOf } from '../config/errors.ts';
import { reasonOf } from '../config/explain.ts';
import type { Paths } from '../config/paths.ts';
import { EngineClient } from '../engine/client.ts';
import { openPublished } from '../warehouse/duckdb.ts';
import { withWriteLock } from '../warehouse/lock.ts';
import { quoteLiteral } from '../warehouse/sql.ts';
import { restoreWorkingFile } from '../warehouse/working-file.ts';
import { admitRecord } from './admit-record.ts';
import type { Kept } from './anonymise.ts';
import { type CompiledModel, compileModel, compileUpstream } from './compiled-model.ts';
import { findInputs, MOST_GIVEN } from './reduce.ts';
import { findRejected, outputOfRecord, readsRaw } from './rejected.ts';
import { fromKey, keyOfTable } from './slicing.ts';
import { published, type Rows, Workbench } from './workbench.ts';
import { fixtureYaml } from './yaml.ts';

export interface NewFixtureOptions {
  readonly paths: Paths;
  readonly model: string;
  /** A condition on the model's columns that chooses rows. */
  readonly where?: string | undefined;
  /** The value of the model's key; values separated by commas if it has several columns. */
  readonly fromKey?: string | undefined;
  /** The `rejected_id` of a rejected record. */
  readonly fromRejected?: string | undefined;
  /** The name of the test and its file. */
  readonly name?: string | undefined;
}

export interface NewFixture {
  readonly model: string;
  readonly name: string;
  /** Relative to the project. */
  readonly file: string;
  /** The number of rows per input. */
  readonly given: readonly { readonly input: string; readonly rows: number }[];
  readonly expected: number;
  /** The number of expected rows that are the chosen ones. */
  readonly chosen: number;
  /** The number of rows that matched. Of more than ten, only the first is chosen. */
  readonly matching: number;
  /** `alike`: the exact rows need all of the data, so the test has rows of the same shape instead. */
  readonly nearness: 'same' | 'alike';
  /** Values of the local data that the file contains, and why. */
  readonly kept: readonly Kept[];
  readonly ms: number;
}

/** The most rows that make a readable test; if more match, one is chosen. */
const MOST_CHOSEN = 10;

/**
 * Writes a unit test for a model from local data: the fewest input rows that still produce the chosen output rows, without
 * personal data, and the model's current result. The test is run, and only kept if it passes.
 * @throws MeetupError if there is no such model or row, or the file already exists.
 */
export async function newFixture(options: NewFixtureOptions, effects: Effects): Promise<NewFixture> {
  const started = effects.clock.elapsed();
  requireNames(options);
  await (await openPublished(options.paths)).close();
  const engine = new EngineClient(options.paths, effects);
  try {
    effects.reporter.progress(`Compiling ${options.model} …`);
    const upstream = await withDatabase(options.paths, effects, () => compile(engine, options));
    const [model] = upstream;
    const name = freeName(options, model);
    const made = await makeFrom(model, upstream, options, effects);
    const description = descriptionOf(options, made.nearness);
    const file = join(options.paths.fixtures, model.name, `${name}.yml`);
    await writeNew(file, fixtureYaml({ name, description, model, ...made }), options.paths);
    effects.reporter.progress(`Running ${name} …`);
    try {
      await withDatabase(options.paths, effects, () => requirePass(engine, model, name));
    } catch (error) {
      await rm(file, { force: true });
      throw error;
    }
    return {
      model: model.name,
      name,
      file: relative(options.paths.root, file),
      given: model.inputs.map(({ reference }, index) => ({
        input: reference,
        rows: made.given[index]?.rows.length ?? 0,
      })),
      expected: made.expected.rows.length,
      chosen: made.chosen,
      matching: made.matching,
      nearness: made.nearness,
      kept: made.kept,
      ms: Math.round(effects.clock.elapsed() - started),
    };
  } finally {
    await engine.close();
  }
}

/** Runs dbt, which compiles and tests on the working database; the search for rows only needs the published one. */
function withDatabase<T>(paths: Paths, effects: Effects, work: () => Promise<T>): Promise<T> {
  return withWriteLock(paths, effects, async () => {
    await restoreWorkingFile(paths);
    return work();
  });
}

async function requirePass(engine: EngineClient, model: CompiledModel, name: string): Promise<void> {
  const answer = await engine.test({
    target: 'dev',
    uniqueIds: [unitTestId(model, name)],
  });
  const node = answer.nodes.find(({ uniqueId }) => uniqueId === unitTestId(model, name));
  if (node?.status === 'pass') return;
  const why = answer.problems[0]?.message ?? node?.problem?.message ?? node?.message ?? 'dbt did not find it';
  throw new MeetupError(`The generated test does not pass in dbt, so it was not kept: ${why}`);
}

/** dbt's id of a unit test; one for each version of a model. */
const unitTestId = ({ name: model, package: from, version }: CompiledModel, name: string): string =>
  `unit_test.${from}.${model}.${name}${version === undefined ? '' : `_v${version}`}`;

/** The model, and then its upstream models if a record has to pass through them. */
async function compile(
  engine: EngineClient,
  { paths, model, fromRejected }: NewFixtureOptions,
): Promise<readonly [CompiledModel, ...CompiledModel[]]> {
  return fromRejected === undefined
    ? [await compileModel(paths, engine, model)]
    : compileUpstream(paths, engine, model);
}

async function makeFrom(
  model: CompiledModel,
  upstream: readonly CompiledModel[],
  options: NewFixtureOptions,
  effects: Effects,
) {
  const bench = await Workbench.open(options.paths.database, model);
  try {
    if (effects.signal.aborted) throw new InterruptedError();
    if (options.fromRejected === undefined) {
      return await makeOfRows(bench, model, await publishedRows(bench, model, options), effects);
    }
    const record = await findRejected(bench, options.fromRejected);
    if (readsRaw(model, record.entity)) {
      const made = await outputOfRecord(bench, model, record);
      return { ...made, matching: made.chosen };
    }
    const { table, rows } = await admitRecord(bench, model, upstream, record, effects);
    return await makeOfRows(bench, model, await chosenRows(bench, table, `from (${rows})`), effects);
  } finally {
    await bench.close();
  }
}

interface Chosen {
  readonly rows: Rows;
  readonly key: string[];
  readonly matching: number;
}

async function makeOfRows(bench: Workbench, model: CompiledModel, { rows, key, matching }: Chosen, effects: Effects) {
  effects.reporter.progress(`Looking for the input rows that produce ${rows.rows.length === 1 ? 'it' : 'them'} …`);
  const reduced = await findInputs(bench, model, rows, key, effects);
  if (reduced !== undefined) return { ...reduced, chosen: rows.rows.length, matching };
  // Several rows together may need too many inputs; a single one may not.
  const first = { columns: rows.columns, rows: rows.rows.slice(0, 1) };
  const one = rows.rows.length > 1 ? await findInputs(bench, model, first, key, effects) : undefined;
  if (one !== undefined) return { ...one, chosen: 1, matching };
  throw new MeetupError(
    `This row of ${model.name} needs more than ${MOST_GIVEN} input rows: choose one that needs fewer, with --where or --from-key.`,
  );
}

async function publishedRows(bench: Workbench, node: CompiledModel, options: NewFixtureOptions): Promise<Chosen> {
  const { model } = options;
  const table = published(node.schema, node.table);
  const isBuilt = await bench.query(
    `select 1 from information_schema.tables where table_catalog = 'meetup' and table_schema = ${quoteLiteral(node.schema)} and table_name = ${quoteLiteral(node.table)}`,
  );
  if (isBuilt.rows.length === 0) throw new MeetupError(`${model} is not built yet: run \`./meetup dev\` first.`);
  const { columns } = await bench.query(`select * from ${table} limit 0`);
  const key = await keyOfTable(bench, table, columns);
  const conditions = [
    options.where === undefined ? 'true' : `(${options.where})`,
    options.fromKey === undefined ? 'true' : fromKey(options.fromKey, key),
  ];
  const chosen = await chosenRows(bench, table, `from ${table} where ${conditions.join(' and ')}`, key).catch(
    (error: unknown) => {
      throw new MeetupError(`--where can't be applied to ${model}: ${messageOf(error).split('\n')[0]}`, {
        cause: error,
      });
    },
  );
  if (chosen.matching === 0) throw new MeetupError(noRow(options, key));
  return chosen;
}

async function chosenRows(bench: Workbench, table: string, from: string, knownKey?: string[]): Promise<Chosen> {
  const counted = await bench.query(`select count(*) ${from}`);
  const matching = Number(counted.rows[0]?.[0]);
  const rows = await bench.query(`select * ${from} order by all limit ${matching > MOST_CHOSEN ? 1 : MOST_CHOSEN}`);
  return { rows, key: knownKey ?? (await keyOfTable(bench, table, rows.columns)), matching };
}

function noRow({ model, where, fromKey: value }: NewFixtureOptions, key: readonly string[]): string {
  if (where === undefined && value === undefined)
    return `${model} has no rows in the local database to write a test from.`;
  const how = value === undefined ? `--where '${where}'` : `--from-key '${value}' (its key is ${key.join(', ')})`;
  return `No row of ${model} in the local database matches ${how}.`;
}

function requireNames({ model, name }: NewFixtureOptions): void {
  if (!/^[A-Za-z_][A-Za-z0-9_]*(\.v\w+)?$/.test(model)) throw new MeetupError(`'${model}' is not a valid model name.`);
  if (name !== undefined && !/^[a-z][a-z0-9_]*$/.test(name)) {
    throw new MeetupError(`--name takes lower-case letters, digits and underscores, but got '${name}'.`);
  }
}

/** Versions of a model share a folder, because dbt wants different names for their tests. */
function freeName({ paths, name }: NewFixtureOptions, model: CompiledModel): string {
  const fileOf = (candidate: string): string => join(paths.fixtures, model.name, `${candidate}.yml`);
  if (name !== undefined) {
    if (existsSync(fileOf(name))) throw isThere(relative(paths.root, fileOf(name)));
    return name;
  }
  for (let number = 1; ; number += 1) {
    const candidate = number === 1 ? 'from_local_data' : `from_local_data_${number}`;
    if (!existsSync(fileOf(candidate))) return candidate;
  }
}

const isThere = (file: string): MeetupError =>
  new MeetupError(`${file} already exists: choose another --name, or remove the file.`);

/** Writes atomically and never overwrites a file: creating a link fails if one exists. */
async function writeNew(file: string, text: string, paths: Paths): Promise<void> {
  const folder = join(file, '..');
  await mkdir(folder, { recursive: true });
  // Not .yml, because dbt reads every such file in the folder.
  const temporary = join(folder, `.${process.pid}.tmp`);
  try {
    await writeFile(temporary, text, { flush: true });
    await link(temporary, file);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) throw isThere(relative(paths.root, file));
    throw new MeetupError(`${file} can't be written: ${reasonOf(error)}.`, { cause: error });
  } finally {
    await rm(temporary, { force: true });
  }
}

/** How the rows were chosen, without the values in the condition, which may be personal. */
function descriptionOf({ where, fromKey: value, fromRejected }: NewFixtureOptions, nearness: 'same' | 'alike'): string {
  const chosen =
    fromRejected !== undefined
      ? 'a record that failed validation'
      : value !== undefined
        ? 'chosen by key'
        : where !== undefined
          ? 'chosen by a condition'
          : 'any row';
  const how = nearness === 'same' ? '' : ', reduced to rows of the same shape';
  return `Generated from local data (${chosen}${how}). Describe here which rule it shows.`;
}
