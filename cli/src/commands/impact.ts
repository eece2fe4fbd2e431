import type { Effects } from '../config/effects.ts';
import type { Paths } from '../config/paths.ts';
import { isPublic } from '../config/project/public-models.ts';
import type { CommandResult } from '../config/result.ts';
import { EngineClient } from '../engine/client.ts';
import { requireReadable } from '../engine/problems.ts';
import type { LineageAnswer } from '../engine/protocol.ts';
import { findPlace } from '../lineage/find-place.ts';
import { lineageGraph } from '../lineage/graph.ts';
import { type Impact, impactOf } from '../lineage/impact.ts';
import { renderMermaid } from '../lineage/mermaid.ts';
import { readLineage } from '../lineage/read-lineage.ts';

export interface ImpactOptions {
  readonly paths: Paths;
  /** `model`, `model.column`, `source.table` or `source.table.column`. */
  readonly of: string;
  readonly mermaid?: boolean | undefined;
}

export interface ImpactReport extends Impact {
  /** The flowchart, if it was asked for. */
  readonly mermaid?: string;
}

/**
 * What feeds a model or a column, and everything that reads it, from the compiled SQL. Builds nothing and needs no data.
 * @throws MeetupError if there is no such model or column, or if dbt can't read the project.
 */
export async function run(options: ImpactOptions, effects: Effects): Promise<CommandResult<ImpactReport>> {
  const engine = new EngineClient(options.paths, effects);
  try {
    effects.reporter.progress('reading the columns of the models');
    const answer = await readLineage(engine, options.paths);
    requireReadable(answer);
    return { exitCode: 0, report: reportOn(answer, options) };
  } finally {
    await engine.close();
  }
}

/**
 * The impact in a project whose lineage is known.
 * @throws MeetupError if there is no such model or column
 */
export function reportOn(lineage: LineageAnswer, { paths, of, mermaid }: ImpactOptions): ImpactReport {
  const graph = lineageGraph(lineage);
  const impact = impactOf(graph, findPlace(graph, of), (node) => {
    const model = graph.models.get(node);
    return model !== undefined && isPublic(model, paths);
  });
  return mermaid ? { ...impact, mermaid: renderMermaid(graph, impact) } : impact;
}
