import { MeetupError } from '../config/errors.ts';
import { sameType } from '../ingest/raw-tables.ts';
import type { DatabricksConnection, StatementOptions } from '../warehouse/databricks.ts';
import { describeColumns } from '../warehouse/databricks-columns.ts';
import { isNotThere } from '../warehouse/databricks-errors.ts';
import { quoteNames } from '../warehouse/databricks-sql.ts';
import { mapConcurrently } from '../warehouse/map-concurrently.ts';
import type { ClosedTable } from './closure.ts';
import { type ManifestSource, nameOfSource, type PullManifest } from './manifest.ts';
import type { LocalProject } from './open-sources.ts';
import { duckDbTypeOf } from './types.ts';

/** A column of a source that is brought. */
export interface PulledColumn {
  readonly name: string;
  /** As the target writes it; undefined if nothing is brought, because the target lacks the column or DuckDB the type: it is null. */
  readonly from: string | undefined;
  /** DuckDB's type. */
  readonly type: string;
}

/** A source's table, there and here. */
export interface SourceTable extends ClosedTable {
  /** Where dbt finds it on DuckDB. */
  readonly schema: string;
  readonly table: string;
  readonly brought: readonly PulledColumn[];
  /** Columns of types that DuckDB has no values for; they are null. */
  readonly left: readonly string[];
}

/**
 * Looks up the tables of these sources on a target.
 * @throws MeetupError if one is missing there, or is read from files on DuckDB.
 */
export async function findSourceTables(
  target: { readonly name: string; readonly catalog: string; readonly connection: DatabricksConnection },
  there: PullManifest,
  project: LocalProject,
  ids: readonly string[],
  options: StatementOptions,
): Promise<SourceTable[]> {
  return mapConcurrently([...ids].sort(), async (id) => {
    const [remote, local] = [there.sources[id], project.manifest.sources[id]];
    if (remote === undefined || local === undefined) {
      throw new MeetupError(
        `The source ${id} is not there on both targets, dev and ${target.name}: enable it on both.`,
      );
    }
    requireTable(local);
    const place = quoteNames(remote.database ?? target.catalog, remote.schema, remote.identifier);
    const described = await describeColumns(target.connection, place, options).catch((error: unknown) => {
      if (!isNotThere(error)) throw error;
      throw new MeetupError(
        `${target.name} has no table ${place}, which the source ${nameOfSource(remote)} names: correct the source, or ask for access to the table.`,
        { cause: error },
      );
    });
    return tableOf({ id, local, place, described, project });
  });
}

/** dbt-duckdb reads a source with a location from there, whatever tables there are; the location may be a query of one. */
function requireTable(source: ManifestSource): void {
  const location = source.meta?.external_location ?? source.config?.meta?.external_location;
  if (location === undefined || (typeof location === 'string' && /^\s*\(/.test(location))) return;
  throw new MeetupError(
    `The source ${nameOfSource(source)} has an external_location, so DuckDB reads it from files: if the environment variable MEETUP_PULLED is set, let it be \`(from ${source.schema}.${source.identifier})\`.`,
  );
}

interface Found {
  readonly id: string;
  readonly local: ManifestSource;
  readonly place: string;
  readonly described: readonly { readonly name: string; readonly type: string }[];
  readonly project: LocalProject;
}

function tableOf({ id, local, place, described, project }: Found): SourceTable {
  const raw = local.schema === 'raw' ? project.rawTables.find(({ name }) => name === local.identifier) : undefined;
  const types = new Map(described.map(({ name, type }) => [name.toLowerCase(), type]));
  const own =
    raw?.columns.map(({ name, type }): PulledColumn => ({ name, from: types.get(name.toLowerCase()), type })) ?? [];
  const others = described
    .filter(({ name }) => !own.some((column) => column.name.toLowerCase() === name.toLowerCase()))
    .map(({ name, type }): PulledColumn => {
      const here = duckDbTypeOf(type);
      return { name, from: here === undefined ? undefined : type, type: here ?? 'VARCHAR' };
    });
  return {
    id,
    name: nameOfSource(local),
    place,
    schema: local.schema,
    table: local.identifier,
    columns: types,
    brought: [...own.map(asOnTarget), ...others],
    left: described.filter(({ type }) => duckDbTypeOf(type) === undefined).map(({ name }) => name),
  };
}

/** A column that has another shape on the target than its schema says, such as before a migration, is brought as it is there. */
function asOnTarget(column: PulledColumn): PulledColumn {
  const there = column.from === undefined ? undefined : duckDbTypeOf(column.from);
  const isText = ['JSON', 'UUID'].includes(column.type) && there === 'VARCHAR';
  // Of a type without values here.
  if (there === undefined) return { ...column, from: undefined };
  if (isText || shapeOf(there) === shapeOf(column.type)) return column;
  return sameType(there, column.type) ? column : { ...column, type: there };
}

/** A type without the names of fields, and with one name for all types that are text on the target. */
const shapeOf = (type: string): string =>
  type.replaceAll(/"(?:[^"]|"")*"|\bJSON\b/g, (part) => (part === 'JSON' ? 'VARCHAR' : '')).replaceAll(/\s+/g, '');
