import type { Paths } from '../config/paths.ts';
import type { EngineClient } from '../engine/client.ts';
import { explainMissingParser } from '../engine/missing-parser.ts';
import type { LineageAnswer, LineageRequest } from '../engine/protocol.ts';
import { readSourceColumns } from '../unit-tests/raw-columns.ts';
import type { Lineage } from './graph.ts';
import { allQueries, type SavedQuery } from './saved-queries.ts';

/** What a lineage is read from beside the dbt project. */
export interface LineageQuestion extends Required<Pick<LineageRequest, 'sources' | 'searchPath'>> {
  readonly queries: readonly SavedQuery[];
}

export async function lineageQuestion(paths: Paths): Promise<LineageQuestion> {
  return {
    sources: await readSourceColumns(paths),
    queries: await allQueries(paths),
    searchPath: paths.settings.public ?? [],
  };
}

/** Another checkout of the same project, such as the base of a change. */
interface OtherProject {
  readonly projectDir?: string;
  readonly targetPath?: string;
}

/**
 * Reads the column lineage of a project and of its saved queries from the compiled SQL.
 * @throws MeetupError if the toolchain lacks the SQL parser
 */
export async function readLineage(engine: EngineClient, paths: Paths, project: OtherProject = {}): Promise<Lineage> {
  const question = await lineageQuestion(paths);
  return withFigures(await lineageOf(engine, question, project), question);
}

/** The same for what is known to be asked, as the engine answers it. */
export async function lineageOf(
  engine: EngineClient,
  { queries, ...rest }: LineageQuestion,
  project: OtherProject = {},
): Promise<LineageAnswer> {
  try {
    const texts = queries.map(({ name, sql }) => ({ name, sql }));
    return await engine.lineage({ target: 'dev', ...project, ...rest, queries: texts });
  } catch (error) {
    throw explainMissingParser(error);
  }
}

/** Adds what shows each query, which the engine doesn't know. */
export function withFigures(answer: LineageAnswer, { queries }: LineageQuestion): Lineage {
  const shown = new Map(queries.map(({ name, figures = [] }) => [name, figures]));
  return { ...answer, queries: answer.queries.map((query) => ({ ...query, figures: shown.get(query.name) ?? [] })) };
}
