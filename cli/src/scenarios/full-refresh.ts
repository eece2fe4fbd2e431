import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MeetupError } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import type { ChangesAnswer, NodeResult } from '../engine/protocol.ts';
import { DuckDbWarehouse } from '../warehouse/duckdb.ts';
import { quoteIdentifier, quoteLiteral } from '../warehouse/sql.ts';
import type { Cell } from '../warehouse/warehouse.ts';

/** How to build every model from scratch, from the SQL that dbt compiled for a first build. */
export interface Recipe {
  readonly schemas: readonly string[];
  /** In dbt's order. */
  readonly models: readonly ModelRecipe[];
}

export interface ModelRecipe {
  readonly uniqueId: string;
  readonly name: string;
  readonly schema: string;
  readonly isView: boolean;
  readonly statement: string;
}

/** A mart in which an incremental build and a full refresh differ. */
export interface Drift {
  readonly mart: string;
  readonly columns: readonly string[];
  /** The number of rows that only the incremental build has, and a few of them. */
  readonly onlyIncremental: Rows;
  readonly onlyFull: Rows;
}

interface Rows {
  readonly count: number;
  readonly examples: readonly (readonly Cell[])[];
}

/** The catalog name of the working database in compiled SQL; DuckDB derives it from the file name. */
const CATALOG = 'meetup';
/** The name under which the built database is attached. */
const BUILT = 'built';
/** The name under which the rows of its views are attached. */
const SHOWN = 'shown';

const EXAMPLES = 5;

/**
 * Reads what dbt compiled in a build of a database without models. Incremental models are then built in full, as in a
 * full refresh.
 * @param nodes the build's results, in the order in which they ended.
 */
export async function readRecipe(
  paths: Paths,
  nodes: readonly NodeResult[],
  places: readonly RelationPlace[],
): Promise<Recipe> {
  const warehouse = await DuckDbWarehouse.open(paths.workDatabase, { readOnly: true });
  const { rows } = await warehouse
    .query('select distinct table_schema from information_schema.tables')
    .finally(() => warehouse.close());
  const placeOf = new Map(places.map((place) => [place.uniqueId, place]));
  const models = nodes.filter((node) => node.resourceType === 'model');
  return {
    schemas: rows.map(([schema]) => String(schema)),
    models: await Promise.all(
      models.map(async ({ uniqueId, name, file }): Promise<ModelRecipe> => {
        const { schema, relation: table = null, materialized } = placeOf.get(uniqueId) ?? {};
        if (schema === undefined || table === null || file === null)
          throw new MeetupError(`${name} was built to no relation.`);
        const [, packageName = ''] = uniqueId.split('.');
        const compiled = await readFile(join(paths.dbtTarget, 'compiled', packageName, file), 'utf8');
        const isView = materialized === 'view';
        const relation = `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
        const statement = `create or replace ${isView ? 'view' : 'table'} ${relation} as (${compiled}\n)`;
        return { uniqueId, name: table, schema, isView, statement };
      }),
    ),
  };
}

/** Where dbt puts a node, from the answer to `changes`. */
type RelationPlace = Pick<ChangesAnswer['nodes'][number], 'uniqueId' | 'schema' | 'relation' | 'materialized'>;

/** The catalog in which to find a relation, by its name, with or without a schema. */
type CatalogOf = (relation: string) => string;

function catalogAmong(views: readonly ModelRecipe[], relation: string): string {
  const [table, place] = relation.split('.').reverse();
  const isShown = views.some(({ name, schema }) => name === table && (place === undefined || schema === place));
  return isShown ? SHOWN : BUILT;
}

/**
 * Writes the rows of views to a database. A view names the tables that it reads with the catalog of the working database, so it has to be
 * read where that is attached under this name: elsewhere it would show other tables.
 */
async function keepRows(path: string, views: readonly ModelRecipe[], into: string): Promise<void> {
  const warehouse = await DuckDbWarehouse.inMemory();
  try {
    await warehouse.run(`set TimeZone = 'UTC'`);
    await warehouse.run(`attach ${quoteLiteral(path)} as ${CATALOG} (read_only)`);
    await warehouse.run(`attach ${quoteLiteral(into)} as ${SHOWN}`);
    for (const { schema, name } of views) {
      const relation = `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
      await warehouse.run(`create schema if not exists ${SHOWN}.${quoteIdentifier(schema)}`);
      await warehouse.run(`create table ${SHOWN}.${relation} as from ${CATALOG}.${relation}`);
    }
  } finally {
    await warehouse.close();
  }
}

/** An in-memory database in which every model is built from scratch each day, from the raw tables of a working database. */
export class FullRefresh {
  readonly #warehouse: DuckDbWarehouse;
  readonly #recipe: Recipe;

  private constructor(warehouse: DuckDbWarehouse, recipe: Recipe) {
    this.#warehouse = warehouse;
    this.#recipe = recipe;
  }

  static async open(recipe: Recipe): Promise<FullRefresh> {
    const warehouse = await DuckDbWarehouse.inMemory();
    await warehouse.run(`set TimeZone = 'UTC'`);
    // The tables are small, so more threads would only cost time.
    await warehouse.run('set threads = 1');
    await warehouse.run(`attach ':memory:' as ${CATALOG}`);
    await warehouse.run(`use ${CATALOG}`);
    for (const schema of recipe.schemas) await warehouse.run(`create schema if not exists ${quoteIdentifier(schema)}`);
    return new FullRefresh(warehouse, recipe);
  }

  /** Copies the current raw tables from the file, which nobody has open. */
  async takeRaw(path: string): Promise<void> {
    const isFirst = !(await this.#hasRaw());
    await this.beside(path, async (warehouse) => {
      const { rows } = await warehouse.query(
        `select table_name from duckdb_tables() where database_name = '${BUILT}' and schema_name = 'raw'`,
      );
      for (const [name] of rows) {
        const table = `raw.${quoteIdentifier(String(name))}`;
        await warehouse.run(`create or replace table ${table} as from ${BUILT}.${table}`);
      }
    });
    if (!isFirst) return;
    for (const { statement } of this.#recipe.models) await this.#warehouse.run(statement);
  }

  /** Rebuilds every table; views need no rebuild. */
  async build(): Promise<void> {
    for (const { isView, statement } of this.#recipe.models) if (!isView) await this.#warehouse.run(statement);
  }

  /**
   * Runs work with the file's database attached, read-only, and with the rows of some of its views. `work` is told in which catalog to
   * find a relation.
   */
  async besideViews<T>(
    path: string,
    isShown: (view: ModelRecipe) => boolean,
    work: (warehouse: DuckDbWarehouse, catalogOf: CatalogOf) => Promise<T>,
  ): Promise<T> {
    const views = this.#recipe.models.filter((model) => model.isView && isShown(model));
    if (views.length === 0) return this.beside(path, (warehouse) => work(warehouse, () => BUILT));
    const shown = `${path}.shown`;
    await rm(shown, { force: true });
    await keepRows(path, views, shown);
    await this.#warehouse.run(`attach ${quoteLiteral(shown)} as ${SHOWN} (read_only)`);
    try {
      return await this.beside(path, (warehouse) => work(warehouse, (relation) => catalogAmong(views, relation)));
    } finally {
      await this.#warehouse.run(`detach ${SHOWN}`);
      await rm(shown, { force: true });
    }
  }

  /** Runs work with the file's database attached as `built`, read-only. Its views read the tables of the full refresh, not its own. */
  async beside<T>(path: string, work: (warehouse: DuckDbWarehouse) => Promise<T>): Promise<T> {
    await this.#warehouse.run(`attach ${quoteLiteral(path)} as ${BUILT} (read_only)`);
    try {
      return await work(this.#warehouse);
    } finally {
      await this.#warehouse.run(`detach ${BUILT}`);
    }
  }

  /**
   * Compares every mart of the attached incremental build with the full refresh, duplicates counted.
   * @param schemas of the marts; undefined if every table is one.
   */
  async findDrift(schemas: readonly string[] | undefined, catalogOf: CatalogOf): Promise<Drift[]> {
    const marts = this.#recipe.models.filter(({ schema, isView }) => schemas?.includes(schema) ?? !isView);
    const drifts: Drift[] = [];
    for (const mart of [...marts].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const drift = await this.#driftOf(mart, catalogOf);
      if (drift !== undefined) drifts.push(drift);
    }
    return drifts;
  }

  close(): Promise<void> {
    return this.#warehouse.close();
  }

  async #hasRaw(): Promise<boolean> {
    const { rows } = await this.#warehouse.query(`select 1 from duckdb_tables() where schema_name = 'raw' limit 1`);
    return rows.length > 0;
  }

  async #driftOf({ schema, name: mart }: ModelRecipe, catalogOf: CatalogOf): Promise<Drift | undefined> {
    const table = `${quoteIdentifier(schema)}.${quoteIdentifier(mart)}`;
    const incremental = `${catalogOf(`${schema}.${mart}`)}.${table}`;
    const full = `${CATALOG}.${table}`;
    const onlyIncremental = await this.#difference(incremental, full);
    const { rows } = await this.#warehouse.query(
      `select (select count(*) from ${incremental}) = (select count(*) from ${full})`,
    );
    // Equal numbers of rows, and none that the other lacks, mean equal tables.
    if (onlyIncremental.count === 0 && rows[0]?.[0] === true) return undefined;
    const onlyFull = await this.#difference(full, incremental);
    return { mart, columns: onlyIncremental.columns, onlyIncremental, onlyFull };
  }

  async #difference(some: string, others: string): Promise<Rows & { columns: string[] }> {
    // The second branch names the first one's columns, because a contract may order them differently.
    const found = await this.#warehouse.query(
      `select * from ${some} except all (select * from ${some} where false union all by name select * from ${others})`,
    );
    return {
      count: found.rows.length,
      examples: found.rows.slice(0, EXAMPLES),
      columns: found.columns.map(({ name }) => name),
    };
  }
}
