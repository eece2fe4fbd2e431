import { StatementFailedError } from './databricks.ts';

const NOT_THERE = /^(42P01|42704|3F000)$/;

/** Whether a schema, table, view or volume doesn't exist. A missing catalog doesn't count: nothing can be created without it. */
export const isNotThere = (error: unknown): boolean =>
  error instanceof StatementFailedError &&
  !/NO_SUCH_CATALOG|CATALOG_NOT_FOUND/.test(error.message) &&
  (NOT_THERE.test(error.sqlState ?? '') ||
    /SCHEMA_NOT_FOUND|TABLE_OR_VIEW_NOT_FOUND|VOLUME_NOT_FOUND|PATH_NOT_FOUND/.test(error.message));
