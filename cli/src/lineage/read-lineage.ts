import { MeetupError } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import type { EngineClient } from '../engine/client.ts';
import { EngineRefusedError } from '../engine/errors.ts';
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
    if (error instanceof EngineRefusedError && /No module named '?sqlglot/.test(error.message)) {
      throw new MeetupError(
        'The toolchain is older than the project and lacks the SQL parser: run `./meetup doctor`, or restart a running `dev --watch`.',
      );
    }
    throw error;
  }
}

/** Whether people outside the project rely on a model, as meetup.yml says or else its own `access`. */
export function isPublic(
  { schema, access }: Pick<LineageAnswer['models'][number], 'schema' | 'access'>,
  { settings }: Pick<Paths, 'settings'>,
): boolean {
  return settings.public === undefined ? access === 'public' : settings.public.includes(schema);
}
