import { stat } from 'node:fs/promises';
import { MeetupError, messageOf } from '../../config/errors.ts';
import { sentenceOf } from '../../config/explain.ts';
import type { Paths } from '../../config/paths.ts';
import { readBuildLog } from '../../engine/build-log.ts';
import type { ColumnRows } from '../../lineage/column-rows.ts';
import { confine } from '../../warehouse/confine.ts';
import { type DuckDbWarehouse, openPublished } from '../../warehouse/duckdb.ts';
import { quoteIdentifier } from '../../warehouse/sql.ts';
import type { QuerySpec } from '../page/types.ts';
import type { InputValues, Outcome, Rows } from '../shared/types.ts';
import { bindInputs } from './bind.ts';
import { type Catalog, type MetricInfo, type ModelInfo, readCatalog } from './models.ts';
import { createPipelineTables, fillColumnLineage, isPipelineTable, readsColumnLineage } from './pipeline.ts';
import { relationsIn } from './relations.ts';

/** A relation that a query reads, with what dbt says about it if it is a model. */
export interface ReadRelation {
  readonly schema: string;
  readonly name: string;
  readonly model: ModelInfo | undefined;
}

/** Computes the column lineage, or throws a MeetupError that says why it can't. */
export type LineageSource = () => Promise<ColumnRows>;

/**
 * The published database as it was at one moment, read-only, and what is known about its models. Queries run one after the other
 * on one connection, and each result is kept: the same question is answered once.
 */
export class Publication {
  readonly models: readonly ModelInfo[];
  readonly metrics: readonly MetricInfo[];
  /** The moment that the data describes, or else the time of publication; in ISO 8601, UTC. */
  readonly asOf: string;
  readonly #warehouse: DuckDbWarehouse;
  readonly #publicSchemas: readonly string[] | undefined;
  readonly #relations: ReadonlyMap<string, readonly string[]>;
  readonly #parameters = new Map<string, Promise<readonly string[]>>();
  readonly #reads = new Map<string, Promise<readonly ReadRelation[]>>();
  readonly #inspected = new Map<string, readonly ReadRelation[]>();
  readonly #results = new Map<string, Promise<Outcome>>();
  readonly #columnLineage: LineageSource | undefined;
  #filled: Promise<void> | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #users = 0;
  #isRetired = false;
  #isClosed = false;

  private constructor(
    warehouse: DuckDbWarehouse,
    { models, metrics }: Catalog,
    known: {
      asOf: string;
      publicSchemas: readonly string[] | undefined;
      relations: ReadonlyMap<string, readonly string[]>;
      columnLineage: LineageSource | undefined;
    },
  ) {
    this.#warehouse = warehouse;
    this.models = models;
    this.metrics = metrics;
    this.asOf = known.asOf;
    this.#publicSchemas = known.publicSchemas;
    this.#relations = known.relations;
    this.#columnLineage = known.columnLineage;
  }

  /**
   * Opens the published database.
   * @param columnLineage is asked once a query reads the lineage of columns; without it, there is none.
   * @throws MeetupError if there is none yet, or the setting `dashboard.as_of` is wrong.
   */
  static async open(paths: Paths, columnLineage?: LineageSource): Promise<Publication> {
    const warehouse = await openPublished(paths);
    try {
      const { public: publicSchemas, dashboard } = paths.settings;
      const catalog = await readCatalog(paths);
      await confine(warehouse, publicSchemas ?? [], { others: publicSchemas === undefined });
      await createPipelineTables(warehouse, catalog, await readBuildLog(paths));
      const asOf = await asOfIn(warehouse, dashboard?.as_of, paths);
      const relations = await relationsOf(warehouse);
      return new Publication(warehouse, catalog, { asOf, publicSchemas, relations, columnLineage });
    } catch (error) {
      await warehouse.close();
      throw error;
    }
  }

  /** Runs a page's query with its inputs as bound parameters. What goes wrong is said in the outcome. */
  run(query: QuerySpec, inputs: InputValues): Promise<Outcome> {
    return this.#once(sqlOf(query), query, inputs);
  }

  /** Like `run`, for all values of the inputs that select rows with `=`. */
  runForAll(query: QuerySpec, inputs: InputValues): Promise<Outcome> {
    return this.#once(query.sql, query, inputs);
  }

  /** The names of the parameters in a query's own SQL; none if it can't be prepared, which running it will say. */
  parametersOf({ sql }: QuerySpec): Promise<readonly string[]> {
    const known = this.#parameters.get(sql) ?? this.#inTurn(() => this.#prepare(sql));
    this.#parameters.set(sql, known);
    return known;
  }

  /** The relations that a query reads. Rejects if one of them is not public, or it isn't a query. */
  relationsOf({ sql }: QuerySpec): Promise<readonly ReadRelation[]> {
    const known = this.#reads.get(sql) ?? this.#inTurn(() => this.#inspect(sql));
    this.#reads.set(sql, known);
    return known;
  }

  /** Does work that keeps the database open, also if it is retired meanwhile. */
  async use<T>(work: (publication: Publication) => Promise<T>): Promise<T> {
    this.#users += 1;
    try {
      return await work(this);
    } finally {
      this.#users -= 1;
      await this.#closeIfUnused();
    }
  }

  /** Closes the database once nobody uses it. */
  async retire(): Promise<void> {
    this.#isRetired = true;
    await this.#closeIfUnused();
  }

  async #closeIfUnused(): Promise<void> {
    if (!this.#isRetired || this.#users > 0 || this.#isClosed) return;
    this.#isClosed = true;
    await this.#warehouse.close();
  }

  async #prepare(sql: string): Promise<readonly string[]> {
    try {
      const prepared = await this.#warehouse.connection.prepare(sql);
      const names = Array.from({ length: prepared.parameterCount }, (_, i) => prepared.parameterName(i + 1));
      prepared.destroySync();
      return names;
    } catch {
      return [];
    }
  }

  async #inspect(sql: string): Promise<readonly ReadRelation[]> {
    const known = this.#inspected.get(sql);
    if (known !== undefined) return known;
    const found: ReadRelation[] = [];
    for (const { schema: given, name } of await relationsIn(this.#warehouse, sql)) {
      const schema = given ?? this.#schemaOf(name);
      if (schema === undefined || (given === undefined && isPipelineTable(name.toLowerCase()))) continue;
      if (this.#publicSchemas !== undefined && !this.#publicSchemas.includes(schema)) {
        throw new MeetupError(
          `It reads ${schema}.${name}, which is not public: pages read ${this.#publicSchemas.join(', ')} and the tables pipeline_*.`,
        );
      }
      const model = this.models.find((one) => one.schema === schema && one.relation === name);
      if (!found.some((one) => one.schema === schema && one.name === name)) found.push({ schema, name, model });
    }
    this.#inspected.set(sql, found);
    return found;
  }

  #schemaOf(name: string): string | undefined {
    const schemas = this.#relations.get(name.toLowerCase()) ?? [];
    return this.#publicSchemas?.find((schema) => schemas.includes(schema)) ?? schemas[0];
  }

  #once(sql: string, query: QuerySpec, inputs: InputValues): Promise<Outcome> {
    const key = JSON.stringify([sql, inputs]);
    const known = this.#results.get(key);
    if (known !== undefined) return known;
    const outcome = readsColumnLineage(sql)
      ? this.#withLineage(query, () => this.#results.delete(key)).then(
          (problem) => problem ?? this.#inTurn(() => this.#outcome(sql, query, inputs)),
        )
      : this.#inTurn(() => this.#outcome(sql, query, inputs));
    this.#results.set(key, outcome);
    if (this.#results.size > MOST_RESULTS) this.#results.delete(this.#results.keys().next().value ?? '');
    return outcome;
  }

  /** Fills the tables of column lineage, once. Other queries run meanwhile. */
  async #withLineage({ name }: QuerySpec, failed: () => void): Promise<Outcome | undefined> {
    try {
      this.#filled ??= this.#fill();
      await this.#filled;
      return undefined;
    } catch (error) {
      // The next time it is tried again.
      this.#filled = undefined;
      failed();
      return { error: `The query '${name}' needs the lineage of columns. ${sentenceOf(error)}` };
    }
  }

  async #fill(): Promise<void> {
    const rows = await this.#columnLineage?.();
    if (rows !== undefined) await this.#inTurn(() => fillColumnLineage(this.#warehouse, rows));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#last.then(work, work);
    this.#last = next.catch(() => undefined);
    return next;
  }

  async #outcome(sql: string, query: QuerySpec, inputs: InputValues): Promise<Outcome> {
    const where = `${query.file}:${query.line}`;
    try {
      await this.#inspect(query.sql);
      const results = await this.#warehouse.queryAll(sql, (names) => bindInputs(names, inputs));
      const [only, ...others] = results;
      if (only !== undefined && others.length === 0) return only satisfies Rows;
      return { error: `The query '${query.name}' (${where}) has ${results.length} statements: write exactly one.` };
    } catch (error) {
      return { error: `The query '${query.name}' failed (${where}): ${messageOf(error).trim()}` };
    }
  }
}

/** Results are small; this only keeps a server that runs for days from growing. */
const MOST_RESULTS = 500;

/** The SQL that runs: the page's own, and around it the rows that its inputs select. Values are bound, names are quoted. */
export function sqlOf({ sql, where }: QuerySpec): string {
  const selecting = where.filter(({ operator }) => operator === '=');
  if (selecting.length === 0) return sql;
  const conditions = selecting.map(({ column, input }) => `${quoteIdentifier(column)} = $${input}`);
  return `select * from (\n${sql}\n) as page_query where ${conditions.join(' and ')}`;
}

async function relationsOf(warehouse: DuckDbWarehouse): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows } = await warehouse.query(
    'select table_schema, table_name from information_schema.tables where table_catalog = current_database()',
  );
  const relations = new Map<string, string[]>();
  for (const [schema, name] of rows) {
    const key = String(name).toLowerCase();
    relations.set(key, [...(relations.get(key) ?? []), String(schema)]);
  }
  return relations;
}

/** Reads `dashboard.as_of`, such as data_freshness.as_of. */
async function asOfIn(warehouse: DuckDbWarehouse, setting: string | undefined, paths: Paths): Promise<string> {
  if (setting === undefined) return (await stat(paths.database)).mtime.toISOString();
  const [table = '', column = ''] = setting.split('.');
  try {
    const { rows } = await warehouse.query(`select max(${quoteIdentifier(column)}) from ${quoteIdentifier(table)}`);
    return `${String(rows[0]?.[0] ?? '')}`;
  } catch (error) {
    throw new MeetupError(
      `meetup.yml: dashboard.as_of is ${setting}, which can't be read (${messageOf(error).split('\n')[0]}): name a table and a column.`,
      { cause: error },
    );
  }
}
