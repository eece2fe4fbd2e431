import type { Effects } from '../config/effects.ts';
import { InterruptedError, MeetupError, messageOf } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import type { CommandResult } from '../config/result.ts';
import { requireLocalProfile } from '../toolchain/profile.ts';
import { confine } from '../warehouse/confine.ts';
import { openPublished } from '../warehouse/duckdb.ts';
import type { QueryResult } from '../warehouse/warehouse.ts';

export interface QueryOptions {
  readonly paths: Paths;
  /** One statement or several, separated by semicolons. */
  readonly sql: string;
}

/** White space, semicolons and comments: DuckDB's driver has no message for SQL without a statement. */
const NO_STATEMENT = /^(\s|;|--[^\n]*(\n|$)|\/\*[\s\S]*?\*\/)*$/;

/**
 * Runs read-only SQL on the published database; never waits for a build.
 * @returns the result of each statement, in order.
 * @throws MeetupError with DuckDB's message if the SQL is invalid or would write, and if there is no statement.
 */
export async function run(options: QueryOptions, effects: Effects): Promise<CommandResult<readonly QueryResult[]>> {
  if (NO_STATEMENT.test(options.sql)) {
    throw new MeetupError('query takes SQL, but got no statement.');
  }
  await requireLocalProfile(options.paths, effects.env);
  const warehouse = await openPublished(options.paths);
  const interrupt = (): void => warehouse.connection.interrupt();
  effects.signal.addEventListener('abort', interrupt);
  try {
    await confine(warehouse, options.paths.settings.public ?? []);
    return { exitCode: 0, report: await warehouse.queryAll(options.sql) };
  } catch (error) {
    if (effects.signal.aborted) throw new InterruptedError();
    if (error instanceof MeetupError) throw error;
    throw new MeetupError(
      `The query failed: ${messageOf(error)
        .replace(/^Failed to extract statements: /, '')
        .trim()}`,
      { cause: error },
    );
  } finally {
    effects.signal.removeEventListener('abort', interrupt);
    await warehouse.close();
  }
}
