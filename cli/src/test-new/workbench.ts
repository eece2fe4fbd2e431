import { messageOf } from '../config/errors.ts';
import { DuckDbWarehouse } from '../warehouse/duckdb.ts';
import { isNestedType } from '../warehouse/duckdb-type.ts';
import { quoteIdentifier, quoteLiteral } from '../warehouse/sql.ts';
import type { Cell } from '../warehouse/warehouse.ts';
import { type CompiledModel, type ModelInput, RELATION } from './compiled-model.ts';
import { literal } from './literal.ts';

export interface Column {
  readonly name: string;
  readonly type: string;
}

/** Rows with their columns. */
export interface Rows {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
}

/** An input of the model, and which of its sliced rows are chosen. */
export interface Slice {
  readonly input: ModelInput;
  readonly columns: readonly Column[];
  readonly size: number;
}

/** Runs a model in memory on chosen rows of the published tables. */
export class Workbench {
  readonly #warehouse: DuckDbWarehouse;
  readonly #model: CompiledModel;
  readonly #sql: string;
  #slices: readonly Slice[] = [];
  /** Relations that are read instead of published ones. */
  readonly #standIns = new Map<string, string>();

  private constructor(warehouse: DuckDbWarehouse, model: CompiledModel) {
    this.#warehouse = warehouse;
    this.#model = model;
    this.#sql = model.sql.replaceAll(RELATION, (_all, schema: string, table: string) => here(schema, table));
  }

  /** @param database the published file; attached read-only under its own name, because its views contain it. */
  static async open(database: string, model: CompiledModel): Promise<Workbench> {
    const warehouse = await DuckDbWarehouse.inMemory();
    try {
      await warehouse.run(`set TimeZone = 'UTC'`);
      await warehouse.run(`attach ${quoteLiteral(database)} as meetup (read_only)`);
      const schemas = ['slice', 'chosen', ...new Set(model.inputs.map(({ schema }) => schema))];
      for (const schema of schemas) await warehouse.run(`create schema if not exists ${quoteIdentifier(schema)}`);
    } catch (error) {
      await warehouse.close();
      throw error;
    }
    return new Workbench(warehouse, model);
  }

  get slices(): readonly Slice[] {
    return this.#slices;
  }

  query(sql: string): Promise<Rows> {
    return this.#warehouse.query(sql);
  }

  run(sql: string): Promise<void> {
    return this.#warehouse.run(sql);
  }

  /** Adds an in-memory catalog with the schemas of these relations, and two for internal use. */
  async addCatalog(name: string, relations: readonly Pick<ModelInput, 'schema'>[]): Promise<void> {
    await this.run(`attach ':memory:' as ${name}`);
    for (const schema of new Set(['raw', 'made', ...relations.map((relation) => relation.schema)])) {
      await this.run(`create schema if not exists ${name}.${quoteIdentifier(schema)}`);
    }
  }

  /** Makes the model read this input from another relation than the published one. */
  standIn({ schema, table }: Pick<ModelInput, 'schema' | 'table'>, relation: string): void {
    this.#standIns.set(published(schema, table), relation);
  }

  /** The relation that an input is read from. */
  relation({ schema, table }: Pick<ModelInput, 'schema' | 'table'>): string {
    const relation = published(schema, table);
    return this.#standIns.get(relation) ?? relation;
  }

  /** Copies the rows of each input that satisfy a condition, and chooses all of them. */
  async slice(conditions: readonly string[]): Promise<void> {
    const slices: Slice[] = [];
    for (const [index, input] of this.#model.inputs.entries()) {
      const { schema, table } = input;
      await this.#warehouse.run(
        `create or replace table memory.slice.s${index} as
         select row_number() over () as _row, * from (select * from ${this.relation(input)}
         where ${conditions[index] ?? 'true'} order by all)`,
      );
      await this.#warehouse.run(
        `create or replace table memory.chosen.c${index} as select _row from memory.slice.s${index}`,
      );
      await this.#warehouse.run(
        `create or replace view ${here(schema, table)} as select * exclude (_row) from memory.slice.s${index}
         where _row in (select _row from memory.chosen.c${index})`,
      );
      const described = await this.query(`select * exclude (_row) from memory.slice.s${index} limit 0`);
      const counted = await this.query(`select count(*) from memory.slice.s${index}`);
      slices.push({ input, columns: described.columns, size: Number(counted.rows[0]?.[0]) });
    }
    this.#slices = slices;
  }

  /** Chooses rows of one input, by their numbers from 1. */
  async choose(index: number, numbers: readonly number[]): Promise<void> {
    await this.#warehouse.run(
      `create or replace table memory.chosen.c${index} as select unnest([${numbers.join(', ')}]::bigint[]) as _row`,
    );
  }

  /** The chosen rows of an input, in order. */
  chosen(index: number): Promise<Rows> {
    return this.query(
      `select * exclude (_row) from memory.slice.s${index} semi join memory.chosen.c${index} using (_row) order by _row`,
    );
  }

  /** Replaces an input with these rows, without columns that they lack. */
  async replace(index: number, { columns, rows }: Rows): Promise<void> {
    const input = this.#model.inputs[index];
    if (input === undefined) throw new Error(`There is no input ${index}.`);
    const names = columns.map(({ name }) => quoteIdentifier(name));
    const nulls = columns.map(({ type }, at) => `cast(null as ${type}) as ${names[at]}`);
    const values = rows.map(
      (row) => `(${row.map((cell, at) => literal(cell, columns[at]?.type ?? 'VARCHAR')).join(', ')})`,
    );
    const empty = `select ${nulls.length === 0 ? '1 as _none' : nulls.join(', ')} where false`;
    const filled =
      values.length === 0 || names.length === 0 ? '' : ` union all select * from (values ${values.join(', ')})`;
    await this.#warehouse.run(`create or replace view ${here(input.schema, input.table)} as ${empty}${filled}`);
  }

  /**
   * The model's result for the chosen rows, in a fixed order.
   * @param where a condition on its rows.
   * @returns undefined if it can't be run on them, because it reads a missing column.
   */
  async output(where = 'true'): Promise<Rows | undefined> {
    try {
      return await this.query(`select * from (${this.#sql}\n) as made where ${where} order by all`);
    } catch (error) {
      if (/^(Binder|Catalog) Error/.test(messageOf(error))) return undefined;
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#warehouse.close();
  }
}

const here = (schema: string, table: string): string => `memory.${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;

/** A relation of the published database. */
export const published = (schema: string, table: string): string =>
  `meetup.${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;

/** dbt's YAML rows can't contain lists, structs and maps. */
export const isNested = ({ type }: Column): boolean => isNestedType(type);
