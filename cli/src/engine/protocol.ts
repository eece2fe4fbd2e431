import { z } from 'zod';
import { projectInputsSchema } from './project-inputs.ts';

/** Raised with every change that an older engine or client would misunderstand; `wire.py` holds the same number. */
export const PROTOCOL = 1;

const timings = z.record(z.string(), z.number());

/** An error of the project: what is wrong, and where in the person's own files. */
const problemSchema = z.object({
  kind: z.enum(['yaml', 'jinja', 'config', 'environment', 'parse', 'database', 'node']),
  /** As dbt names it: relative to the dbt project's folder. */
  file: z.string().nullable(),
  line: z.number().nullable(),
  message: z.string(),
  /** The lines around it, numbered, the line itself marked. */
  excerpt: z.string().nullable(),
  compiledPath: z.string().nullish(),
});

const identity = {
  uniqueId: z.string(),
  name: z.string(),
  /** dbt's name: model, test, unit_test, snapshot, seed, operation (a hook). */
  resourceType: z.string(),
  file: z.string().nullable(),
  /** For a test: the unique id of what it tests. */
  tests: z.string().nullish(),
};

const rowSchema = z.record(z.string(), z.unknown());

/** Rows of a fixture that are not as expected, with the columns that matter. Cells are written as in a fixture. */
const differenceSchema = z.object({
  columns: z.array(z.string()),
  /** Expected, and not there. `line`: of the expected row, in the fixture's file. */
  missing: z.array(z.object({ cells: z.array(z.string()), line: z.number().nullable() })),
  /** There, and not expected. */
  extra: z.array(z.object({ cells: z.array(z.string()) })),
  /** There, but for the cells of the columns `at`. */
  differing: z.array(
    z.object({
      expected: z.array(z.string()),
      actual: z.array(z.string()),
      at: z.array(z.string()),
      line: z.number().nullable(),
    }),
  ),
  counts: z.object({
    missing: z.number(),
    extra: z.number(),
    differing: z.number(),
    expected: z.number(),
    actual: z.number(),
  }),
  /** Why, where the rows alone do not say it. */
  note: z.string().optional(),
});

const nodeResultSchema = z.object({
  ...identity,
  status: z.enum(['success', 'error', 'skipped', 'partial success', 'pass', 'fail', 'warn', 'runtime error', 'no-op']),
  ms: z.number(),
  message: z.string().nullable(),
  /** For a test: how many rows fail it. */
  failures: z.number().nullish(),
  problem: problemSchema.optional(),
  compiledPath: z.string().nullish(),
  /** For a failed data test: a few of its rows. */
  sample: z.object({ columns: z.array(z.string()), rows: z.array(z.array(z.unknown())) }).optional(),
  /** For a failed unit test: all rows, as they are and as they should be. */
  diff: z.object({ actual: z.array(rowSchema), expected: z.array(rowSchema) }).optional(),
  /** The same of one that ran in memory, and the line of its fixture. */
  difference: differenceSchema.optional(),
  line: z.number().nullish(),
});

const parseSchema = z.object({
  /** unchanged: no file says anything new; partial and full as dbt calls them. */
  kind: z.enum(['unchanged', 'partial', 'full']),
  /** Files whose content was read again, relative to the dbt project's folder. */
  files: z.array(z.string()),
  /** Milliseconds, by phase; `total` among them. */
  ms: timings,
  /** Grows with every parse that changed the manifest. */
  generation: z.number(),
});

const fixtureSchema = z.object({ ...identity, model: z.string(), line: z.number().nullish() });

const fixtureResultSchema = fixtureSchema.extend({
  /** error: it could not be compiled or run. */
  status: z.enum(['pass', 'fail', 'error']),
  ms: z.number(),
  /** The part of `ms` that dbt took to compile it; nothing to speak of where it was compiled before. */
  compileMs: z.number().optional(),
  message: z.string().nullable(),
  problem: problemSchema.optional(),
  difference: differenceSchema.optional(),
});

const eventSchema = z.discriminatedUnion('event', [
  parseSchema.extend({ event: z.literal('parsed') }),
  /** How many nodes this request will start, skipped ones among them. */
  z.object({ event: z.literal('selected'), total: z.number() }),
  z.object({ event: z.literal('started'), ...identity }),
  nodeResultSchema.extend({ event: z.literal('finished') }),
  z.object({ event: z.literal('log'), level: z.enum(['info', 'warn']), name: z.string(), message: z.string() }),
]);

export const parseAnswerSchema = z.discriminatedUnion('status', [
  parseSchema.extend({ status: z.literal('ok'), problems: z.array(problemSchema) }),
  z.object({ status: z.literal('invalid'), problems: z.array(problemSchema), ms: timings }),
]);

export const taskAnswerSchema = z.object({
  /** invalid: the project could not be parsed, or the selection not be understood; nothing was run. */
  status: z.enum(['pass', 'fail', 'invalid']),
  problems: z.array(problemSchema),
  nodes: z.array(nodeResultSchema),
  parse: parseSchema.optional(),
  ms: timings,
});

const namedSchema = z.object({ ...identity, message: z.string().nullish() });

/** A task's answer, and what an affected build left alone. */
export const affectedAnswerSchema = taskAnswerSchema.extend({
  /** Downstream of what changed, and yet up to date: what they are made from came out the same. */
  spared: z.array(namedSchema).default([]),
  /** All that fails as the project stands, whether it ran this time or not. */
  failing: z.array(namedSchema).default([]),
  /** Built, and with the same content as before. */
  unchanged: z.array(namedSchema).default([]),
  /** Relations of models that are gone, dropped. */
  removed: z.array(z.string()).default([]),
  /** What it was made from, beside the data; left out where the project could not be read. */
  inputs: projectInputsSchema.optional(),
});

const fixturesAnswer = { problems: z.array(problemSchema), generation: z.number(), ms: timings };

export const fixtureListSchema = z.object({
  ...fixturesAnswer,
  status: z.enum(['pass', 'invalid']),
  tests: z.array(fixtureSchema),
});

export const fixturesAnswerSchema = z.object({
  ...fixturesAnswer,
  status: z.enum(['pass', 'fail', 'invalid']),
  tests: z.array(fixtureResultSchema),
});

const mutantSchema = z.object({
  /** The kind of step, such as `join kind`. */
  step: z.string(),
  /** The CTE that it is done in; nothing for the last select. */
  part: z.string(),
  before: z.string(),
  after: z.string(),
  /** What it changes, in the model's SQL as it was compiled. */
  diff: z.string(),
});

export const mutationAnswerSchema = z.object({
  status: z.enum(['pass', 'invalid']),
  problems: z.array(problemSchema),
  models: z.array(
    z.object({
      model: z.string(),
      file: z.string(),
      fixtures: z.number(),
      /** Those that are SQL; the equivalent ones among them. */
      mutants: z.number(),
      killed: z.number(),
      /** Nobody can notice them: the database plans them as it plans the model itself. */
      equivalent: z.array(mutantSchema),
      survivors: z.array(mutantSchema),
      /** Why it was not mutated, where it was not. */
      reason: z.string().optional(),
    }),
  ),
  ms: timings,
});

export const coverageAnswerSchema = z.object({
  status: z.enum(['pass', 'invalid']),
  problems: z.array(problemSchema),
  models: z.array(
    z.object({
      model: z.string(),
      file: z.string(),
      fixtures: z.number(),
      columns: z.number(),
      /** Columns whose value no fixture expects. */
      unexpectedColumns: z.array(z.string()),
      branches: z.number(),
      /** Branches of CASE that no row of any fixture takes. */
      unreachedBranches: z.array(z.object({ part: z.string(), branch: z.string() })),
      reason: z.string().optional(),
    }),
  ),
  ms: timings,
});

export const changesAnswerSchema = z.object({
  status: z.enum(['pass', 'invalid']),
  problems: z.array(problemSchema),
  /** Models, snapshots, seeds and data tests. */
  nodes: z.array(
    z.object({
      uniqueId: z.string(),
      name: z.string(),
      resourceType: z.enum(['model', 'snapshot', 'seed', 'test']),
      schema: z.string(),
      /** The relation's name; null for what has none. */
      relation: z.string().nullable(),
      materialized: z.string(),
      access: z.string(),
      dependsOn: z.array(z.string()),
      /** Two equal ones build the same from the same inputs; null if that can't be told. */
      fingerprint: z.string().nullable(),
      /** dbt's selector that it matches, such as `modified.body`, or `new`; null if unchanged since it was deployed. */
      change: z.string().nullable(),
    }),
  ),
  sources: z.array(z.object({ uniqueId: z.string(), schema: z.string(), name: z.string() })),
  ms: timings,
});

export const statsSchema = z.object({
  pid: z.number(),
  rssBytes: z.number(),
  peakRssBytes: z.number(),
  uptimeSeconds: z.number(),
  ready: z.boolean(),
  busy: z.boolean(),
  threads: z.number(),
});

export const helloSchema = z.object({ protocol: z.number(), pid: z.number(), ready: z.boolean() });

/** Whatever the engine may say on the wire. */
export const messageSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('event'), id: z.number(), event: eventSchema }),
  z.object({ type: z.literal('heartbeat'), id: z.number(), cpuMs: z.number(), local: z.boolean() }),
  z.object({ type: z.literal('result'), id: z.number(), result: z.unknown() }),
  z.object({
    type: z.literal('error'),
    id: z.number(),
    error: z.object({ code: z.string(), message: z.string(), detail: z.string().optional() }),
  }),
]);

export type EngineMessage = z.infer<typeof messageSchema>;
export type EngineEvent = z.infer<typeof eventSchema>;
export type Problem = z.infer<typeof problemSchema>;
export type NodeResult = z.infer<typeof nodeResultSchema>;
export type ParseAnswer = z.infer<typeof parseAnswerSchema>;
export type TaskAnswer = z.infer<typeof taskAnswerSchema>;
export type AffectedAnswer = z.infer<typeof affectedAnswerSchema>;
export type FixtureResult = z.infer<typeof fixtureResultSchema>;
export type FixtureDifference = z.infer<typeof differenceSchema>;
export type FixtureList = z.infer<typeof fixtureListSchema>;
export type FixturesAnswer = z.infer<typeof fixturesAnswerSchema>;
export type MutationAnswer = z.infer<typeof mutationAnswerSchema>;
export type CoverageAnswer = z.infer<typeof coverageAnswerSchema>;
export type ChangesAnswer = z.infer<typeof changesAnswerSchema>;
export type EngineStats = z.infer<typeof statsSchema>;

/** What every request about the project may say. */
export interface ProjectRequest {
  /** A target of profiles/profiles.yml. */
  readonly target?: string;
  /** dbt's --vars. Other variables mean another manifest: the engine keeps the last three. */
  readonly vars?: Readonly<Record<string, unknown>>;
  /** Absolute paths that are known to have changed; they are read again even if their stat says nothing new. */
  readonly files?: readonly string[];
  /** Forget the manifest and parse everything. */
  readonly full?: boolean;
}

/** What `build`, `run`, `test` and `compile` may say, with dbt's own meaning. */
export interface TaskRequest extends ProjectRequest {
  readonly select?: readonly string[];
  readonly exclude?: readonly string[];
  /** Exactly these nodes, instead of a selection. */
  readonly uniqueIds?: readonly string[];
  readonly fullRefresh?: boolean;
  /** Incremental models to build from scratch, where not all are. */
  readonly fullRefreshIds?: readonly string[];
  readonly failFast?: boolean;
  /** What the last request of this project read, and no file that changed since; invalid where the engine read nothing yet. */
  readonly asRead?: boolean;
  readonly threads?: number;
  /** dbt's --resource-type, such as ['unit_test']. */
  readonly resourceTypes?: readonly string[];
  readonly indirectSelection?: 'eager' | 'cautious' | 'buildable' | 'empty';
  /** Write manifest.json and run_results.json too (0.1–0.2 s). */
  readonly writeArtifacts?: boolean;
  /** Read a few rows of failed tests; on unless said otherwise. */
  readonly sample?: boolean;
}

/** What `affected` may say: it selects for itself. */
export interface AffectedRequest extends ProjectRequest {
  /** Unique ids to run even though they are up to date. */
  readonly again?: readonly string[];
  /** Run everything, as if nothing were known. */
  readonly everything?: boolean;
  /** Run everything, incremental models from scratch. */
  readonly fullRefresh?: boolean;
  readonly writeArtifacts?: boolean;
}

/** What `fixtures` may say: dbt's unit tests, run in memory. */
export interface FixturesRequest extends ProjectRequest {
  /** Exactly these, instead of all. */
  readonly uniqueIds?: readonly string[];
  /** Columns (name and type) of tables that no model makes, by `schema.table`. */
  readonly sources?: Readonly<Record<string, readonly (readonly [name: string, type: string])[]>>;
  /** The manifest of an answer before: while it stands, the project's files are not looked at again. */
  readonly generation?: number;
}

/** What `mutate` and `coverage` may say. */
export interface StrengthRequest extends ProjectRequest {
  /** Names of models, with * for any letters; all of the project's own unless given. */
  readonly select?: readonly string[];
  readonly sources?: FixturesRequest['sources'];
}

/** What `changes` may say. */
export interface ChangesRequest extends ProjectRequest {
  /** A folder with the manifest.json to compare with; without it everything is new. */
  readonly deployedDir?: string;
  /** Where to write the manifest as it is now. */
  readonly manifestFile?: string;
}

export type TaskName = 'build' | 'run' | 'test' | 'compile';
