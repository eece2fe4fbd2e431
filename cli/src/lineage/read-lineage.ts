import type { Paths } from '../config/paths.ts';
import type { EngineClient } from '../engine/client.ts';
import { explainMissingParser } from '../engine/missing-parser.ts';
import type { LineageAnswer } from '../engine/protocol.ts';
import { readSourceColumns } from '../unit-tests/raw-columns.ts';
import { allQueries } from './saved-queries.ts';

/**
 * Reads the column lineage of a project and of its saved queries from the compiled SQL.
 * @param project another checkout of the same project, such as the base of a change
 * @throws MeetupError if the toolchain lacks the SQL parser
 */
export async function readLineage(
  engine: EngineClient,
  paths: Paths,
  project: { readonly projectDir?: string; readonly targetPath?: string } = {},
): Promise<LineageAnswer> {
  try {
    return await engine.lineage({
      target: 'dev',
      ...project,
      sources: await readSourceColumns(paths),
      queries: await allQueries(paths),
      searchPath: paths.settings.public ?? [],
    });
  } catch (error) {
    throw explainMissingParser(error);
  }
}
