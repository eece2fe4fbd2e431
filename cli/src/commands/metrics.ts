import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomically } from '../config/atomic-file.ts';
import type { Effects } from '../config/effects.ts';
import { MeetupError } from '../config/errors.ts';
import { fileProblem } from '../config/file-errors.ts';
import type { Paths } from '../config/paths.ts';
import type { CommandResult } from '../config/result.ts';
import { EngineClient } from '../engine/client.ts';
import { requireReadable } from '../engine/problems.ts';
import type { MetricsAnswer } from '../engine/protocol.ts';
import { parseDefinitions } from '../metrics/definitions.ts';
import { type MetricViews, metricViews, statementOf } from '../metrics/metric-views.ts';
import { type MetricQuestion, sqlOf } from '../metrics/metricflow.ts';
import type { QueryResult } from '../warehouse/warehouse.ts';
import { run as runQuery } from './query.ts';

export type Metric = MetricsAnswer['metrics'][number];

/** The metrics of the project, in order of their names. */
export async function list(
  { paths }: { readonly paths: Paths },
  effects: Effects,
): Promise<CommandResult<readonly Metric[]>> {
  const { metrics } = await readMetrics(paths, effects);
  return { exitCode: 0, report: metrics };
}

export interface AskOptions extends MetricQuestion {
  readonly paths: Paths;
  /** Whether to say only how it would be asked in SQL. */
  readonly sqlOnly: boolean;
}

export interface MetricReport {
  /** How MetricFlow asks for it. */
  readonly sql: string;
  /** Undefined if only the SQL was asked for. */
  readonly result: QueryResult | undefined;
}

/**
 * The values of metrics in the published database, by MetricFlow.
 * @throws MeetupError if there is no such metric, or it has no such dimension, or a filter is wrong
 */
export async function ask(
  { paths, sqlOnly, ...question }: AskOptions,
  effects: Effects,
): Promise<CommandResult<MetricReport>> {
  const { metrics, definitions } = await readMetrics(paths, effects);
  const known = metrics.map(({ name }) => name);
  const unknown = question.metrics.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new MeetupError(`There is no metric '${unknown}'; there is ${known.join(', ')}.`);
  effects.reporter.progress('asking MetricFlow');
  const sql = await sqlOf(question, definitions, paths, effects);
  if (sqlOnly) return { exitCode: 0, report: { sql, result: undefined } };
  const { report } = await runQuery({ paths, sql }, effects);
  return { exitCode: 0, report: { sql, result: report[0] } };
}

export interface ViewsOptions {
  readonly paths: Paths;
  /** An absolute path. */
  readonly out: string;
  /** The catalog of the marts, and of the views. */
  readonly catalog: string;
}

export interface ViewsReport {
  readonly status: 'written';
  readonly out: string;
  readonly files: readonly string[];
  /** Metrics that a metric view can't express, and why. */
  readonly leftOut: MetricViews['leftOut'];
}

/** Writes a file of SQL for each metric view of Databricks that says the same as the metrics. Runs nothing there. */
export async function writeViews(
  { paths, out, catalog }: ViewsOptions,
  effects: Effects,
): Promise<CommandResult<ViewsReport>> {
  const { definitions } = await readMetrics(paths, effects);
  const { views, leftOut } = metricViews(parseDefinitions(definitions), catalog);
  await mkdir(out, { recursive: true }).catch((error: unknown) => Promise.reject(fileProblem(error, out)));
  const files = views.map((view) => ({ file: join(out, `${view.name}.sql`), text: statementOf(view) }));
  for (const { file, text } of files) await writeAtomically(file, text);
  return { exitCode: 0, report: { status: 'written', out, files: files.map(({ file }) => file), leftOut } };
}

/** @throws MeetupError if the project can't be read, or has no metrics */
async function readMetrics(paths: Paths, effects: Effects): Promise<MetricsAnswer> {
  const engine = new EngineClient(paths, effects);
  try {
    effects.reporter.progress('reading the project');
    const answer = await engine.metrics();
    requireReadable(answer);
    if (answer.metrics.length === 0) {
      throw new MeetupError(
        `The dbt project in ${paths.dbtProject} defines no metrics: write semantic models and metrics in its YAML, as docs/metrics.md shows.`,
      );
    }
    return { ...answer, metrics: answer.metrics.toSorted((a, b) => (a.name < b.name ? -1 : 1)) };
  } finally {
    await engine.close();
  }
}
