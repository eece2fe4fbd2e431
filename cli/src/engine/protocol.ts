import { z } from 'zod';
import { projectInputsSchema } from './project-inputs.ts';

/** Increment with every change that an older engine or client would misunderstand; `wire.py` has the same number. */
export const PROTOCOL = 1;

const timings = z.record(z.string(), z.number());

/** An error in the project: what is wrong, and where in the user's files. */
const problemSchema = z.object({
  kind: z.enum(['yaml', 'jinja', 'config', 'environment', 'unsupported', 'parse', 'database', 'node']),
  /** Relative to the dbt project's folder. */
  file: z.string().nullable(),
  line: z.number().nullable(),
  message: z.string(),
  /** The surrounding lines, numbered, with the line itself marked. */
  excerpt: z.string().nullable(),
  compiledPath: z.string().nullish(),
});

const identity = {
  uniqueId: z.string(),
  name: z.string(),
  /** dbt's resource type: model, test, unit_test, snapshot, seed, operation (a hook). */
  resourceType: z.string(),
  file: z.string().nullable(),
  /** For a test: the unique id of the tested node. */
  tests: z.string().nullish(),
};

const rowSchema = z.record(z.string(), z.unknown());

/** Differences between a unit test's actual and expected rows, in the columns that matter. Cells are written as in a fixture. */
const differenceSchema = z.object({
  columns: z.array(z.string()),
  /** Expected rows that are missing. `line` is the row's line in the fixture's file. */
  missing: z.array(z.object({ cells: z.array(z.string()), line: z.number().nullable() })),
  /** Rows that were not expected. */
  extra: z.array(z.object({ cells: z.array(z.string()) })),
  /** Rows that differ from the expected ones in the columns `at`. */
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
  /** An explanation if the rows alone don't show it. */
  note: z.string().optional(),
});

const nodeResultSchema = z.object({
  ...identity,
  status: z.enum(['success', 'error', 'skipped', 'partial success', 'pass', 'fail', 'warn', 'runtime error', 'no-op']),
  ms: z.number(),
  /** The engine's CPU time during the node: the node's own if nodes run one at a time. */
  cpuMs: z.number().optional(),
  message: z.string().nullable(),
  /** For a test: the number of failing rows. */
  failures: z.number().nullish(),
  /** The name of the node's table, if it isn't that of the node. */
  alias: z.string().optional(),
  /** For a model on DuckDB: how many rows were written and, if known, how many of them changed. */
  rowsWritten: z.number().optional(),
  rowsChanged: z.number().optional(),
  problem: problemSchema.optional(),
  compiledPath: z.string().nullish(),
  /** For a failed data test: a sample of its rows. */
  sample: z.object({ columns: z.array(z.string()), rows: z.array(z.array(z.unknown())) }).optional(),
  /** For a failed unit test: all actual and expected rows. */
  diff: z.object({ actual: z.array(rowSchema), expected: z.array(rowSchema) }).optional(),
  /** For a failed unit test that ran in memory: the differences. */
  difference: differenceSchema.optional(),
  line: z.number().nullish(),
});

const parseSchema = z.object({
  /** unchanged: no file's content changed; partial and full as in dbt. */
  kind: z.enum(['unchanged', 'partial', 'full']),
  /** Files that were read again, relative to the dbt project's folder. */
  files: z.array(z.string()),
  /** Milliseconds by phase, including `total`. */
  ms: timings,
  /** Incremented by every parse that changes the manifest. */
  generation: z.number(),
});

const fixtureSchema = z.object({ ...identity, model: z.string(), line: z.number().nullish() });

const fixtureResultSchema = fixtureSchema.extend({
  /** error: it couldn't be compiled or run. */
  status: z.enum(['pass', 'fail', 'error']),
  ms: z.number(),
  /** The part of `ms` that dbt took to compile it; almost zero if the compiled test was cached. */
  compileMs: z.number().optional(),
  message: z.string().nullable(),
  problem: problemSchema.optional(),
  difference: differenceSchema.optional(),
});

const eventSchema = z.discriminatedUnion('event', [
  parseSchema.extend({ event: z.literal('parsed') }),
  /** The number of nodes in this request, including skipped ones. */
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
  /** invalid: the project couldn't be parsed, or the selection isn't valid; nothing was run. */
  status: z.enum(['pass', 'fail', 'invalid']),
  problems: z.array(problemSchema),
  nodes: z.array(nodeResultSchema),
  /** Models that this target can't run, and why. */
  elsewhere: z.array(z.object({ name: z.string(), reason: z.string() })).default([]),
  parse: parseSchema.optional(),
  ms: timings,
});

const namedSchema = z.object({ ...identity, message: z.string().nullish() });

/** A task's answer, and the nodes that an affected build skipped. */
export const affectedAnswerSchema = taskAnswerSchema.extend({
  /** Nodes downstream of a change that are still up to date because their inputs' contents didn't change. */
  spared: z.array(namedSchema).default([]),
  /** All nodes that currently fail, whether or not they ran this time. */
  failing: z.array(namedSchema).default([]),
  /** Nodes that were rebuilt with the same content as before. */
  unchanged: z.array(namedSchema).default([]),
  /** Dropped relations of removed models. */
  removed: z.array(z.string()).default([]),
  /** The build's inputs apart from the data; left out if the project couldn't be read. */
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
  /** The kind of mutation, such as `join kind`. */
  step: z.string(),
  /** The CTE that was changed; empty for the final select. */
  part: z.string(),
  before: z.string(),
  after: z.string(),
  /** The change as a diff of the model's compiled SQL. */
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
      /** The number of mutants that are valid SQL, including equivalent ones. */
      mutants: z.number(),
      killed: z.number(),
      /** Mutants that no test can notice because the database plans them exactly like the model itself. */
      equivalent: z.array(mutantSchema),
      survivors: z.array(mutantSchema),
      /** Why the model was not mutated, if so. */
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
      /** Columns for which no fixture expects a value. */
      unexpectedColumns: z.array(z.string()),
      branches: z.number(),
      /** CASE branches that no row of any fixture takes. */
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
      /** The relation's name; null if it has none. */
      relation: z.string().nullable(),
      /** The schema in which readers find it as a view (`meta.published_in`); null if they read the relation itself. */
      publishedIn: z.string().nullable(),
      /** What its comment says; empty without `persist_docs`. */
      description: z.string(),
      materialized: z.string(),
      access: z.string(),
      dependsOn: z.array(z.string()),
      /** Nodes with equal fingerprints build the same from the same inputs; null if it can't be computed. */
      fingerprint: z.string().nullable(),
      /** dbt's state selector that it matches, such as `modified.body`, or `new`; null if unchanged since the deployment. */
      change: z.string().nullable(),
      /** Why DuckDB can't run it, if so: it or something that it reads is in another dialect. */
      notLocal: z.string().nullable(),
    }),
  ),
  sources: z.array(
    z.object({
      uniqueId: z.string(),
      /** The catalog; null or left out if it is the target's. */
      database: z.string().nullish(),
      schema: z.string(),
      name: z.string(),
    }),
  ),
  ms: timings,
});

const sourceFreshnessSchema = z.object({
  uniqueId: z.string(),
  /** The source, and its table. */
  source: z.string(),
  name: z.string(),
  /** Relative to the dbt project's folder. */
  file: z.string(),
  /** As in dbt; missing: the database has no such table. */
  status: z.enum(['pass', 'warn', 'error', 'runtime error', 'missing']),
  /** The newest moment in it (ISO 8601). */
  newest: z.string().nullable(),
  ageSeconds: z.number().nullable(),
  message: z.string().nullable(),
});

export const freshnessAnswerSchema = z.object({
  status: z.enum(['pass', 'invalid']),
  problems: z.array(problemSchema),
  sources: z.array(sourceFreshnessSchema),
  ms: timings,
});

/** What `metrics` answers: the project's metrics, and their definitions for MetricFlow. */
export const metricsAnswerSchema = z.object({
  status: z.enum(['pass', 'invalid']),
  problems: z.array(problemSchema),
  metrics: z.array(
    z.object({
      name: z.string(),
      label: z.string().nullable(),
      description: z.string(),
      type: z.string(),
      /** The owner of its group, or else of its first model's. */
      owner: z.string().nullable(),
      /** The models that it is computed from. */
      models: z.array(z.string()),
      file: z.string(),
    }),
  ),
  /** JSON, as in dbt's semantic_manifest.json. */
  definitions: z.string(),
  ms: timings,
});

const columnReadSchema = z.object({
  /** The unique id of a model, seed or source, or `relation.<schema>.<name>` for a table that the project doesn't know. */
  node: z.string(),
  /** In lower case. */
  column: z.string(),
});

/** What decides a value or the choice of rows: equal digests mean the same meaning, null that it could not be resolved. */
const readingSchema = z.object({ reads: z.array(columnReadSchema), digest: z.string().nullable() });

export const lineageAnswerSchema = z.object({
  status: z.enum(['pass', 'invalid']),
  problems: z.array(problemSchema),
  /** Models and snapshots. */
  models: z.array(
    z.object({
      uniqueId: z.string(),
      name: z.string(),
      resourceType: z.enum(['model', 'snapshot']),
      file: z.string(),
      schema: z.string(),
      access: z.string(),
      dependsOn: z.array(z.string()),
      columns: z.array(
        readingSchema.extend({
          name: z.string(),
          /** As DuckDB writes it; null if it is unknown. */
          type: z.string().nullable(),
        }),
      ),
      /** Joins, filters, groups and limits: what they read concerns every column. */
      rows: readingSchema,
      /** For the latest version of a model: the name without the version. */
      latestOf: z.string().optional(),
      /** Why the columns could not be resolved: each is said to read every column of what the model reads. */
      reason: z.string().optional(),
    }),
  ),
  inputs: z.array(
    z.object({
      uniqueId: z.string(),
      /** `<source>.<table>`, or the seed's name. */
      name: z.string(),
      resourceType: z.enum(['source', 'seed']),
      file: z.string(),
      columns: z.array(z.string()),
    }),
  ),
  /** What reads models without being one. Without columns, it reads whole models. */
  readers: z.array(
    z.object({
      uniqueId: z.string(),
      name: z.string(),
      resourceType: z.enum(['exposure', 'metric', 'semantic_model', 'test']),
      dependsOn: z.array(z.string()),
      reads: z.array(columnReadSchema).nullable(),
      owner: z.string().nullable(),
      url: z.string().nullable(),
    }),
  ),
  queries: z.array(
    z.object({
      name: z.string(),
      reads: z.array(columnReadSchema),
      nodes: z.array(z.string()),
      reason: z.string().optional(),
    }),
  ),
  /** What the project was read from, if it was read. */
  readFrom: projectInputsSchema.optional(),
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

/** All messages that the engine may send. */
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
export type FreshnessAnswer = z.infer<typeof freshnessAnswerSchema>;
export type SourceFreshness = FreshnessAnswer['sources'][number];
export type LineageAnswer = z.infer<typeof lineageAnswerSchema>;
export type MetricsAnswer = z.infer<typeof metricsAnswerSchema>;
export type ColumnRead = z.infer<typeof columnReadSchema>;
export type EngineStats = z.infer<typeof statsSchema>;

/** Fields of every request about the project. */
export interface ProjectRequest {
  /** A target of profiles/profiles.yml. */
  readonly target?: string;
  /** dbt's --vars. Other variables need another manifest: the engine keeps the last three. */
  readonly vars?: Readonly<Record<string, unknown>>;
  /** Moves the project into schemas whose names begin with this. Its hooks don't run, and it can't write anywhere else. */
  readonly schemaPrefix?: string;
  /** Absolute paths that are known to have changed; they are read again even if their stat is unchanged. */
  readonly files?: readonly string[];
  /** Forget the manifest and parse everything. */
  readonly full?: boolean;
}

/** Fields of `build`, `run`, `test` and `compile`, with the same meaning as in dbt. */
export interface TaskRequest extends ProjectRequest {
  readonly select?: readonly string[];
  readonly exclude?: readonly string[];
  /** Exactly these nodes, instead of a selection. */
  readonly uniqueIds?: readonly string[];
  readonly fullRefresh?: boolean;
  /** Incremental models to build from scratch, unless all are. */
  readonly fullRefreshIds?: readonly string[];
  /** Queries that these models are built from instead of their own SQL, by unique id. */
  readonly givenQueries?: Readonly<Record<string, string>>;
  /**
   * Builds these nodes, by unique id, and reads these nodes and sources, in the schemas of a branch: their schemas with a suffix. Nothing
   * can be written elsewhere, and the hooks of a run don't run.
   */
  readonly branch?: { readonly suffix: string; readonly nodes: readonly string[]; readonly sources: readonly string[] };
  readonly failFast?: boolean;
  /** Use the project as last parsed and ignore later changes; the answer is invalid if the engine hasn't parsed it yet. */
  readonly asRead?: boolean;
  readonly threads?: number;
  /** dbt's --resource-type, such as ['unit_test']. */
  readonly resourceTypes?: readonly string[];
  readonly indirectSelection?: 'eager' | 'cautious' | 'buildable' | 'empty';
  /** Write manifest.json and run_results.json too (0.1–0.2 s). */
  readonly writeArtifacts?: boolean;
  /** Read a sample of failed tests' rows; default true. */
  readonly sample?: boolean;
}

/** Fields of `affected`, which selects nodes itself. */
export interface AffectedRequest extends ProjectRequest {
  /** Unique ids to run even though they are up to date. */
  readonly again?: readonly string[];
  /** Run everything, as if there were no build state. */
  readonly everything?: boolean;
  /** Run everything, and build incremental models from scratch. */
  readonly fullRefresh?: boolean;
  readonly threads?: number;
  readonly writeArtifacts?: boolean;
}

/** Fields of `fixtures`, which runs dbt's unit tests in memory. */
export interface FixturesRequest extends ProjectRequest {
  /** Exactly these, instead of all. */
  readonly uniqueIds?: readonly string[];
  /** Columns (name and type) of tables that no model builds, by `schema.table`. */
  readonly sources?: Readonly<Record<string, readonly (readonly [name: string, type: string])[]>>;
  /** The generation from an earlier answer: if it is still current, the project's files aren't checked again. */
  readonly generation?: number;
}

/** Fields of `mutate` and `coverage`. */
export interface StrengthRequest extends ProjectRequest {
  /** Names of models, with * as a wildcard; default: all models of the root project. */
  readonly select?: readonly string[];
  readonly sources?: FixturesRequest['sources'];
}

/** Fields of `lineage`. */
export interface LineageRequest extends ProjectRequest {
  readonly sources?: FixturesRequest['sources'];
  /** SQL outside the dbt project, such as saved queries. */
  readonly queries?: readonly { readonly name: string; readonly sql: string }[];
  /** The schemas in which their unqualified names are looked up first, in this order. */
  readonly searchPath?: readonly string[];
}

/** Fields of `changes`. */
export interface ChangesRequest extends ProjectRequest {
  /** A folder with the manifest.json to compare with; without it, everything is new. */
  readonly deployedDir?: string;
  /** Where to write the current manifest. */
  readonly manifestFile?: string;
}

export type TaskName = 'build' | 'run' | 'test' | 'compile';
