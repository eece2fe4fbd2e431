import type { Effects } from '../config/effects.ts';
import type { Paths } from '../config/paths.ts';
import { isPublic } from '../config/project/public-models.ts';
import type { CommandResult } from '../config/result.ts';
import { findPlace } from '../lineage/find-place.ts';
import { type Lineage, lineageGraph } from '../lineage/graph.ts';
import { type Impact, impactOf } from '../lineage/impact.ts';
import { knownLineage } from '../lineage/known-lineage.ts';
import { renderMermaid } from '../lineage/mermaid.ts';

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
  effects.reporter.progress('reading the columns of the models');
  const { lineage } = await knownLineage(options.paths, effects);
  return { exitCode: 0, report: reportOn(lineage, options) };
}

/**
 * The impact in a project whose lineage is known.
 * @throws MeetupError if there is no such model or column
 */
export function reportOn(lineage: Lineage, { paths, of, mermaid }: ImpactOptions): ImpactReport {
  const graph = lineageGraph(lineage);
  const impact = impactOf(graph, findPlace(graph, of), (node) => {
    const model = graph.models.get(node);
    return model !== undefined && isPublic(model, paths);
  });
  return mermaid ? { ...impact, mermaid: renderMermaid(graph, impact) } : impact;
}
