import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Effects } from '../config/effects.ts';
import { InterruptedError, MeetupError } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import { EngineClient } from '../engine/client.ts';
import type { NodeResult, Problem, TaskAnswer } from '../engine/protocol.ts';
import { findDrops } from '../ingest/drops.ts';
import { loadDrop } from '../ingest/load-drops.ts';
import { createRawTables, readRawTables } from '../ingest/raw-tables.ts';
import { readContracts } from '../ingest/schemas.ts';
import { openWork } from '../warehouse/duckdb.ts';
import { compareTable, type TableDifference } from './compare-rows.ts';
import { type Drift, FullRefresh, readRecipe } from './full-refresh.ts';
import { withMoments } from './moments.ts';
import type { Scenario, ScenarioDay } from './read-scenarios.ts';

/** The result of one day of a scenario. */
export interface DayOutcome {
  readonly scenario: string;
  readonly day: string;
  /** One sentence each, such as a load that ended unexpectedly or a model that could not be built. */
  readonly problems: readonly string[];
  readonly differences: readonly TableDifference[];
  readonly drifts: readonly Drift[];
  /** Milliseconds. */
  readonly ms: { readonly load: number; readonly build: number; readonly compare: number };
}

/** The common start of scenarios with the same variables. */
interface Start {
  /** A database with empty raw tables, snapshots and models. */
  readonly file: string;
  readonly full: FullRefresh;
  /** The models that a new day changes: all but views. */
  readonly tables: readonly string[];
  readonly snapshots: readonly string[];
}

export interface SessionOptions {
  /**
   * The models' SQL changes during the session: only the tables that a scenario checks are built, from their current text with
   * all that they read, and nothing is compared with a full refresh.
   */
  readonly modelsChange?: boolean;
}

/**
 * Plays scenarios on one warm engine. Each starts with a copy of a database in which every model is built and empty, so its
 * first day is already an incremental build. Scenarios are isolated from each other.
 */
export class ScenarioPlayer {
  readonly #paths: Paths;
  readonly #effects: Effects;
  readonly #engine: EngineClient;
  readonly #modelsChange: boolean;
  readonly #starts = new Map<string, Promise<Start>>();
  #contracts: ReturnType<typeof readContracts> | undefined;
  #playing: { readonly scenario: Scenario; played: number } | undefined;

  /** @param paths whose state folder is empty, and the caller's to remove; its data folder is not read. */
  constructor(paths: Paths, effects: Effects, options: SessionOptions = {}) {
    this.#modelsChange = options.modelsChange ?? false;
    this.#paths = { ...paths, data: join(paths.state, 'scenario-data') };
    this.#effects = effects;
    this.#engine = new EngineClient(this.#paths, effects);
  }

  /** Makes what the scenario starts from, if no scenario with the same variables has done so yet. */
  async ready(scenario: Scenario): Promise<void> {
    await this.#startFor(scenario.vars);
  }

  /** Plays a day, counted from 1, and those before it that were not played yet. */
  async play(scenario: Scenario, number: number): Promise<DayOutcome> {
    const start = await this.#startFor(scenario.vars);
    if (this.#playing?.scenario !== scenario || this.#playing.played >= number) await this.#begin(scenario, start);
    let outcome: DayOutcome | undefined;
    for (const day of scenario.days.slice(this.#playing?.played ?? 0, number)) {
      outcome = await this.#play(scenario, day, start);
      this.#playing = { scenario, played: (this.#playing?.played ?? 0) + 1 };
    }
    // The models may change before the next scenario.
    if (this.#modelsChange) this.#playing = undefined;
    if (outcome === undefined) throw new Error(`${scenario.name} has no day ${number}.`);
    return outcome;
  }

  async close(): Promise<void> {
    const starts = await Promise.allSettled(this.#starts.values());
    for (const start of starts) if (start.status === 'fulfilled') await start.value.full.close();
    await this.#engine.close();
  }

  async #begin(scenario: Scenario, start: Start): Promise<void> {
    await this.#putDatabase(start.file);
    await rm(this.#paths.data, { recursive: true, force: true });
    await mkdir(this.#paths.data, { recursive: true });
    this.#playing = { scenario, played: 0 };
  }

  async #play(scenario: Scenario, day: ScenarioDay, start: Start): Promise<DayOutcome> {
    const { elapsed } = this.#effects.clock;
    const began = elapsed();
    const loadProblems = await this.#load(scenario, day);
    const full = this.#modelsChange ? undefined : start.full;
    await full?.takeRaw(this.#paths.workDatabase);
    const loaded = elapsed();
    const [answer] = await Promise.all([this.#build(scenario, start), full?.build()]);
    const built = elapsed();
    const problems = [...loadProblems, ...failuresOf(answer)];
    // After an unexpected load result or a failed build, differing rows add no information.
    const compared = problems.length === 0 ? await this.#compare(day, start) : { differences: [], drifts: [] };
    const ms = { load: loaded - began, build: built - loaded, compare: elapsed() - built };
    return { scenario: scenario.name, day: day.name, problems, ...compared, ms };
  }

  /** A build as on any day, without nodes that can't have changed or that nobody checks. */
  #build(scenario: Scenario, start: Start): Promise<TaskAnswer> {
    const checked = new Set(scenario.days.flatMap(({ expected }) => expected.map(({ table }) => table)));
    const looksBack = [...checked].some((table) => table.startsWith('snapshots.'));
    // One thread is as fast here, and two may read the same schema's relations at once while one of them is being renamed, which
    // dbt reports as an inconsistent cache.
    const request = { target: 'dev', vars: scenario.vars, sample: false, threads: 1 };
    if (this.#modelsChange) {
      const select = [...checked].map((table) => `+${table.split('.').at(-1)}`);
      return this.#engine.build({ ...request, select, resourceTypes: ['model', 'snapshot'] });
    }
    const uniqueIds = [...start.tables, ...(looksBack ? start.snapshots : [])];
    return this.#engine.build({ ...request, uniqueIds });
  }

  /** Puts the day's files where they would arrive, and loads what is new, as `meetup load` does. */
  async #load(scenario: Scenario, day: ScenarioDay): Promise<string[]> {
    const { data, schemas } = this.#paths;
    if (day.folder !== undefined) await arrive(day.folder, join(data, day.droppedOn ?? '.'));
    this.#contracts ??= readContracts(schemas);
    const contracts = await this.#contracts;
    const { drops, notLoaded } = await findDrops(data, [...contracts.keys()]);
    const problems = notLoaded.map(({ name, why }) => `${name} is not loaded: ${why}.`);
    const warehouse = await openWork(this.#paths);
    let ending: ScenarioDay['load'] = 'unchanged';
    let said = '';
    try {
      for (const drop of drops) {
        const report = await loadDrop(warehouse, drop, contracts, scenario, this.#at(day));
        if (report.status !== 'unchanged') ending = report.status;
        said = report.message ?? said;
        if (report.status === 'refused') break;
      }
    } catch (error) {
      if (!(error instanceof MeetupError)) throw error;
      ending = 'unreadable';
      said = error.message;
    } finally {
      await warehouse.close();
    }
    if (ending === day.load) return problems;
    return [...problems, `The load should have ended as '${day.load}' but ended as '${ending}'. ${said}`.trim()];
  }

  /** Loads happen at six in the morning of the day after the drop: nothing in a scenario depends on today. */
  #at(day: ScenarioDay): Effects {
    const now = Date.parse(`${day.droppedOn ?? '2026-01-01'}T06:00:00Z`) + 86_400_000;
    return { ...this.#effects, clock: { ...this.#effects.clock, now: () => now } };
  }

  #compare(day: ScenarioDay, { full }: Start): Promise<Pick<DayOutcome, 'differences' | 'drifts'>> {
    const marts = this.#paths.settings.public;
    const checked = new Set(day.expected.map(({ table }) => table.split('.').at(-1)));
    const isCompared = ({ name, schema }: { name: string; schema: string }): boolean =>
      checked.has(name) || (!this.#modelsChange && (marts?.includes(schema) ?? false));
    return full.besideViews(this.#paths.workDatabase, isCompared, async (warehouse, catalogOf) => {
      const differences: TableDifference[] = [];
      for (const expected of day.expected) {
        const difference = await compareTable(warehouse, catalogOf(expected.table), expected, marts ?? []);
        if (difference !== undefined) differences.push(difference);
      }
      return { differences, drifts: this.#modelsChange ? [] : await full.findDrift(marts, catalogOf) };
    });
  }

  #startFor(vars: Scenario['vars']): Promise<Start> {
    const name = JSON.stringify(vars);
    const known = this.#starts.get(name) ?? this.#makeStart(vars, this.#starts.size);
    this.#starts.set(name, known);
    return known;
  }

  async #makeStart(vars: Scenario['vars'], number: number): Promise<Start> {
    this.#playing = undefined;
    await this.#putDatabase(undefined);
    const work = await openWork(this.#paths);
    await createRawTables(work, await readRawTables(this.#paths.schemas)).finally(() => work.close());
    const answer = await this.#engine.build({ target: 'dev', resourceTypes: ['model', 'snapshot'], vars });
    const [failure] = failuresOf(answer);
    if (failure !== undefined) throw new MeetupError(`The models can't be built on empty tables: ${failure}`);
    const { nodes: places } = await this.#engine.changes({ target: 'dev', vars });
    const recipe = await readRecipe(this.#paths, answer.nodes, places);
    const file = join(this.#paths.state, `start-${number}.duckdb`);
    await copyFile(this.#paths.workDatabase, file);
    const snapshots = answer.nodes.filter((node) => node.resourceType === 'snapshot').map((node) => node.uniqueId);
    const tables = recipe.models.filter(({ isView }) => !isView).map(({ uniqueId }) => uniqueId);
    return { file, full: await FullRefresh.open(recipe), tables, snapshots };
  }

  async #putDatabase(file: string | undefined): Promise<void> {
    if (this.#effects.signal.aborted) throw new InterruptedError();
    await rm(this.#paths.workDatabase, { force: true });
    await rm(`${this.#paths.workDatabase}.wal`, { force: true });
    await mkdir(dirname(this.#paths.workDatabase), { recursive: true });
    if (file !== undefined) await copyFile(file, this.#paths.workDatabase);
  }
}

async function arrive(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const name of await readdir(from)) {
    const file = join(from, name);
    const isPlain = /\.(json|jsonl|ndjson)$/.test(name);
    await (isPlain
      ? writeFile(join(to, name), withMoments(await readFile(file, 'utf8'), file))
      : copyFile(file, join(to, name)));
  }
}

function failuresOf(answer: TaskAnswer): string[] {
  if (answer.status === 'pass') return [];
  const broken = answer.nodes.filter((node) => node.status === 'error' || node.status === 'runtime error');
  const reasons = [...answer.problems.map(sentence), ...broken.map(nodeSentence)];
  return reasons.length > 0 ? [...new Set(reasons)] : ['dbt failed without giving a reason.'];
}

const nodeSentence = (node: NodeResult): string =>
  node.problem ? sentence(node.problem) : `${node.name}: ${node.message ?? 'failed'}`;

const sentence = (problem: Problem): string =>
  `${problem.file ?? 'dbt'}${problem.line === null ? '' : `:${problem.line}`}: ${problem.message}`;
