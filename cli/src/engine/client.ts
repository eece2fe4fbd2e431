import type { z } from 'zod';
import type { Effects } from '../config/effects.ts';
import { InterruptedError, MeetupError } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import { defaultPatience, EngineConnection, type Patience } from './connection.ts';
import { EngineLostError, EngineRefusedError } from './errors.ts';
import { announcedEngine, announceEngine, engineToken, withdrawEngine } from './location.ts';
import { EngineProcess, engineEnvironment } from './process.ts';
import {
  type AffectedAnswer,
  type AffectedRequest,
  affectedAnswerSchema,
  type ChangesAnswer,
  type ChangesRequest,
  type CoverageAnswer,
  changesAnswerSchema,
  coverageAnswerSchema,
  type EngineEvent,
  type EngineStats,
  type FixtureList,
  type FixturesAnswer,
  type FixturesRequest,
  type FreshnessAnswer,
  fixtureListSchema,
  fixturesAnswerSchema,
  freshnessAnswerSchema,
  type LineageAnswer,
  type LineageRequest,
  lineageAnswerSchema,
  type MetricsAnswer,
  type MutationAnswer,
  metricsAnswerSchema,
  mutationAnswerSchema,
  type ParseAnswer,
  type ProjectRequest,
  parseAnswerSchema,
  type StrengthRequest,
  statsSchema,
  type TaskAnswer,
  type TaskName,
  type TaskRequest,
  taskAnswerSchema,
} from './protocol.ts';

/**
 * How long the engine may take to stop cancelled work before it is killed (milliseconds). A running query is interrupted; parsing
 * the project isn't, because a new engine would have to start with the same parse.
 */
const CANCEL_MS = { running: 10_000, reading: 60_000 };

export interface EngineOptions {
  /** Share the engine with other processes that use the state folder (for `dev --watch`). */
  readonly shared?: boolean;
  readonly patience?: Patience;
}

export interface RequestOptions {
  readonly onEvent?: (event: EngineEvent) => void;
  /** Called when the engine stopped or hung and the work is restarted: discard earlier events. */
  readonly onRestart?: (reason: string) => void;
  /** Cancels this request, as does the effects' signal. */
  readonly signal?: AbortSignal;
}

/**
 * The engine for one state folder: the one that a `dev --watch` shares, or an own one that is started with the first request. If
 * an engine ends or hangs, another one is started and the request is repeated once.
 */
export class EngineClient {
  readonly #paths: Paths;
  readonly #effects: Effects;
  readonly #shared: boolean;
  readonly #patience: Patience;
  #process: EngineProcess | undefined;
  #connection: EngineConnection | undefined;
  #starting: Promise<EngineConnection> | undefined;
  #closed = false;

  constructor(paths: Paths, effects: Effects, options: EngineOptions = {}) {
    this.#paths = paths;
    this.#effects = effects;
    this.#shared = options.shared ?? false;
    this.#patience = options.patience ?? defaultPatience;
  }

  /** Starts or finds the engine, so that it imports dbt in the background. */
  async warmUp(): Promise<void> {
    await this.#connected();
  }

  /** Updates the manifest from the files. */
  parse(request: ProjectRequest = {}, options: RequestOptions = {}): Promise<ParseAnswer> {
    return this.#work('parse', request, parseAnswerSchema, options);
  }

  /** Builds seeds, models and snapshots and runs their unit and data tests, in dbt's order. */
  build(request: TaskRequest = {}, options: RequestOptions = {}): Promise<TaskAnswer> {
    return this.#task('build', request, options);
  }

  /**
   * Builds exactly what is stale in the working database, in dbt's order: nodes whose definition or inputs changed, and nodes
   * downstream of them as far as contents really change.
   */
  affected(request: AffectedRequest = {}, options: RequestOptions = {}): Promise<AffectedAnswer> {
    return this.#work('affected', request, affectedAnswerSchema, options);
  }

  /** Runs only models. */
  run(request: TaskRequest = {}, options: RequestOptions = {}): Promise<TaskAnswer> {
    return this.#task('run', request, options);
  }

  /** Runs only unit tests and data tests; `resourceTypes` narrows it to one kind. */
  test(request: TaskRequest = {}, options: RequestOptions = {}): Promise<TaskAnswer> {
    return this.#task('test', request, options);
  }

  /** Renders models without running them. */
  compile(request: TaskRequest = {}, options: RequestOptions = {}): Promise<TaskAnswer> {
    return this.#task('compile', request, options);
  }

  /** Runs dbt's unit tests in memory, which needs no tables and locks no file. */
  fixtures(request: FixturesRequest = {}, options: RequestOptions = {}): Promise<FixturesAnswer> {
    return this.#work('fixtures', request, fixturesAnswerSchema, options);
  }

  /** Lists the unit tests of the project without running them. */
  fixtureList(request: ProjectRequest = {}, options: RequestOptions = {}): Promise<FixtureList> {
    return this.#work('fixtures', { ...request, list: true }, fixtureListSchema, options);
  }

  /** Mutates models one small step at a time, and reports the mutants that no fixture notices. */
  mutate(request: StrengthRequest = {}, options: RequestOptions = {}): Promise<MutationAnswer> {
    return this.#work('mutate', request, mutationAnswerSchema, options);
  }

  /** Finds the models, columns and branches that no fixture covers. */
  coverage(request: StrengthRequest = {}, options: RequestOptions = {}): Promise<CoverageAnswer> {
    return this.#work('coverage', request, coverageAnswerSchema, options);
  }

  /** Finds the differences from a deployed manifest, with reasons; builds nothing. */
  changes(request: ChangesRequest = {}, options: RequestOptions = {}): Promise<ChangesAnswer> {
    return this.#work('changes', request, changesAnswerSchema, options);
  }

  /** Finds what the columns of models and of saved queries read, from the compiled SQL; runs nothing. */
  lineage(request: LineageRequest = {}, options: RequestOptions = {}): Promise<LineageAnswer> {
    return this.#work('lineage', request, lineageAnswerSchema, options);
  }

  /** Measures the age of the sources' data in the working database, as `dbt source freshness` does. Hold the write lock. */
  freshness(request: ProjectRequest = {}, options: RequestOptions = {}): Promise<FreshnessAnswer> {
    return this.#work('freshness', request, freshnessAnswerSchema, options);
  }

  /** The metrics of the project, and their definitions for MetricFlow. */
  metrics(request: ProjectRequest = {}, options: RequestOptions = {}): Promise<MetricsAnswer> {
    return this.#work('metrics', request, metricsAnswerSchema, options);
  }

  /** Memory and state of the engine's process. Answered immediately, even during a build. */
  async stats(): Promise<EngineStats> {
    return (await this.#connected()).call('stats', {}, statsSchema);
  }

  /** The process id of the engine if this client started one. */
  get pid(): number | undefined {
    return this.#process?.alive === true ? this.#process.pid : undefined;
  }

  /** Releases the engine: ends it if this client started it, and leaves a shared one running. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#starting?.catch(() => undefined);
    await this.#drop('end');
  }

  #task(op: TaskName, request: TaskRequest, options: RequestOptions): Promise<TaskAnswer> {
    return this.#work(op, request, taskAnswerSchema, options);
  }

  async #work<T>(op: string, request: object, schema: z.ZodType<T>, options: RequestOptions): Promise<T> {
    const signal = options.signal ? AbortSignal.any([this.#effects.signal, options.signal]) : this.#effects.signal;
    const endings: string[] = [];
    for (;;) {
      try {
        return await this.#attempt(op, request, schema, options, signal);
      } catch (error) {
        if (!(error instanceof EngineLostError)) throw error;
        if (signal.aborted) throw new InterruptedError();
        endings.push(await this.#lost(error));
        if (endings.length > 1) throw this.#gaveUp(op, endings);
        options.onRestart?.(error.message);
        this.#effects.reporter.detail(`The dbt engine stopped unexpectedly (${endings[0]}): restarting it.`);
      }
    }
  }

  async #attempt<T>(
    op: string,
    request: object,
    schema: z.ZodType<T>,
    options: RequestOptions,
    signal: AbortSignal,
  ): Promise<T> {
    if (signal.aborted) throw new InterruptedError();
    const connection = await this.#connected();
    let deadline: NodeJS.Timeout | undefined;
    let id = 0;
    let isRead = false;
    const cancel = (): void => {
      connection.cancel(id);
      // The request fails with its connection, however the engine ends.
      const patience = isRead ? CANCEL_MS.running : CANCEL_MS.reading;
      deadline = setTimeout(() => void this.#drop('kill').catch(() => undefined), patience);
    };
    try {
      const answer = connection.call(op, { ...this.#place(), ...request }, schema, {
        onEvent: (event) => {
          isRead ||= event.event === 'parsed';
          options.onEvent?.(event);
        },
        sent: (given) => {
          id = given;
        },
      });
      signal.addEventListener('abort', cancel, { once: true });
      if (signal.aborted) cancel();
      return await answer;
    } catch (error) {
      if (error instanceof EngineRefusedError && error.code === 'cancelled') throw new InterruptedError();
      if (error instanceof EngineRefusedError && error.code === 'file') throw new MeetupError(error.message);
      throw error;
    } finally {
      clearTimeout(deadline);
      signal.removeEventListener('abort', cancel);
    }
  }

  #place(): object {
    // Send the whole environment: a shared engine has its own, and models may read any variable.
    const set = Object.entries(this.#effects.env).filter(([, value]) => value !== undefined);
    return {
      // Never the profile's default, which users may have changed.
      target: 'dev',
      projectDir: this.#paths.dbtProject,
      profilesDir: this.#paths.profiles,
      targetPath: this.#paths.dbtTarget,
      logPath: this.#paths.logs,
      stateDir: this.#paths.local,
      env: { ...Object.fromEntries(set), ...engineEnvironment(this.#paths) },
    };
  }

  async #connected(): Promise<EngineConnection> {
    if (this.#closed) throw new Error('The engine client is closed.');
    if (this.#connection?.open === true) return this.#connection;
    this.#starting ??= this.#connect().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  async #connect(): Promise<EngineConnection> {
    await this.#drop('end');
    this.#connection = (await this.#join()) ?? (await this.#start());
    return this.#connection;
  }

  /** Connects to the engine that another process shares, if it is alive. */
  async #join(): Promise<EngineConnection | undefined> {
    if (this.#shared) return undefined;
    const engine = await announcedEngine(this.#paths);
    if (engine === undefined) return undefined;
    try {
      const { token } = await engineToken(this.#paths);
      return await EngineConnection.open(engine.socket, token, this.#patience);
    } catch (error) {
      if (error instanceof EngineLostError || error instanceof EngineRefusedError) return undefined;
      throw error;
    }
  }

  async #start(): Promise<EngineConnection> {
    const started = await EngineProcess.start(this.#paths, this.#effects);
    this.#process = started;
    const { token } = await engineToken(this.#paths);
    const connection = await EngineConnection.open(started.socket, token, this.#patience);
    if (this.#shared) await announceEngine(this.#paths, { socket: started.socket, pid: started.pid });
    return connection;
  }

  /** Makes sure that a lost engine is gone, and returns how it ended. */
  async #lost(error: EngineLostError): Promise<string> {
    const ending = await this.#process?.ending();
    await this.#drop('kill');
    return ending ?? error.message;
  }

  #gaveUp(op: string, endings: readonly string[]): MeetupError {
    const log = this.#paths.logs;
    return new MeetupError(
      `The dbt engine stopped unexpectedly twice during ${op} (${[...new Set(endings)].join('; ')}): free some memory or read ${log}/engine.log, then try again.`,
    );
  }

  async #drop(how: 'end' | 'kill'): Promise<void> {
    this.#connection?.close();
    this.#connection = undefined;
    const process = this.#process;
    this.#process = undefined;
    if (process === undefined) return;
    if (this.#shared) await withdrawEngine(this.#paths, process.pid);
    await (how === 'end' ? process.end() : process.kill());
  }
}
