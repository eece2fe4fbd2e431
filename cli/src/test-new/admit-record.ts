import type { Effects } from '../config/effects.ts';
import { InterruptedError, MeetupError, messageOf } from '../config/errors.ts';
import { quoteIdentifier } from '../warehouse/sql.ts';
import { type CompiledModel, type ModelInput, RELATION } from './compiled-model.ts';
import { literal } from './literal.ts';
import { leniently, type RejectedRecord } from './rejected.ts';
import { IDS } from './slicing.ts';
import { published, type Rows, type Workbench } from './workbench.ts';

/** In-memory catalogs with the inputs of the models, with the record and without it. */
const WITH = 'with_record';
const WITHOUT = 'without_record';

/** The schema of the model's own rows, which isn't one of the project's. */
const OWN: Pick<ModelInput, 'schema'> = { schema: 'made' };

/**
 * Admits a rejected record, runs the models between it and the given one, and finds the rows that result from it: those that
 * don't exist without it. Afterwards the workbench reads the model's inputs from the data with the record.
 * @param upstream the model and all of its upstream models.
 * @returns the relation of all rows, and a query for those that result from the record.
 * @throws MeetupError if the model doesn't depend on that kind of record, can't be run on this one, or no row results
 * from it.
 */
export async function admitRecord(
  bench: Workbench,
  model: CompiledModel,
  upstream: readonly CompiledModel[],
  record: RejectedRecord,
  effects: Effects,
): Promise<{ table: string; rows: string }> {
  const chain = between(record.entity, model, upstream);
  if (chain.length === 0) {
    throw new MeetupError(
      `${model.name} does not depend on raw.${record.entity}, which record '${record.id}' belongs to.`,
    );
  }
  const places = placesOf(chain, model);
  const raw = published('raw', record.entity);
  await bench.addCatalog(WITHOUT, [...places.values()]);
  await bench.addCatalog(WITH, [...places.values()]);
  const lenient = `select * from ${raw} union all by name ${leniently(record)}`;
  await bench.run(`create table ${relation(WITH, { schema: 'raw', table: record.entity })} as ${lenient}`);
  const made = { ...OWN, table: model.name };
  for (const one of chain) {
    if (effects.signal.aborted) throw new InterruptedError();
    effects.reporter.progress(`Building ${one.name} with the record …`);
    const place = places.get(one.name) ?? made;
    await make(bench, one, place, places, [WITHOUT]);
    await make(bench, one, place, places, [WITH, record.entity]);
  }
  for (const place of places.values()) bench.standIn(place, relation(WITH, place));
  const table = relation(WITH, made);
  const rows = await rowsOf(bench, table, relation(WITHOUT, made), await bench.query(leniently(record)));
  if (rows !== undefined) return { table, rows };
  throw new MeetupError(
    `Record '${record.id}' produces no row of ${model.name}, even if it is admitted: try another model.`,
  );
}

const relation = (catalog: string, { schema, table }: Pick<ModelInput, 'schema' | 'table'>): string =>
  `${catalog}.${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;

/** The models on all paths from the raw table to the model, including it, in dependency order. */
function between(entity: string, model: CompiledModel, upstream: readonly CompiledModel[]): CompiledModel[] {
  const byName = new Map(upstream.map((one) => [one.name, one]));
  const leadsThere = new Map<string, boolean>();
  const chain: CompiledModel[] = [];
  const visit = (one: CompiledModel): boolean => {
    const known = leadsThere.get(one.name);
    if (known !== undefined) return known;
    const reads = one.inputs.map(({ schema, table }) => {
      if (schema === 'raw') return table === entity;
      const input = byName.get(table);
      return input !== undefined && visit(input);
    });
    const leads = reads.includes(true);
    leadsThere.set(one.name, leads);
    if (leads) chain.push(one);
    return leads;
  };
  visit(model);
  return chain;
}

/** The relations from which other models read those of the chain. */
function placesOf(chain: readonly CompiledModel[], model: CompiledModel): Map<string, ModelInput> {
  const names = new Set(chain.filter(({ name }) => name !== model.name).map(({ name }) => name));
  const inputs = chain.flatMap((one) => one.inputs).filter(({ schema, table }) => schema !== 'raw' && names.has(table));
  return new Map(inputs.map((input) => [input.table, input]));
}

async function make(
  bench: Workbench,
  model: CompiledModel,
  place: Pick<ModelInput, 'schema' | 'table'>,
  places: ReadonlyMap<string, ModelInput>,
  [catalog, entity]: readonly [catalog: string, entity?: string],
): Promise<void> {
  const sql = model.sql.replaceAll(RELATION, (_all, schema: string, table: string) => {
    const isOurs = schema === 'raw' ? table === entity : places.get(table)?.schema === schema;
    return isOurs ? relation(catalog, { schema, table }) : published(schema, table);
  });
  try {
    await bench.run(`create table ${relation(catalog, place)} as (${sql}\n)`);
  } catch (error) {
    const why = messageOf(error).split('\n')[0];
    const what =
      entity === undefined ? `The model ${model.name} can't be run` : `Once admitted, the record breaks ${model.name}`;
    throw new MeetupError(`${what}: ${why}`, { cause: error });
  }
}

/** Rows with the record's own ids come before rows that only changed because of it, such as ranks. */
async function rowsOf(bench: Workbench, table: string, without: string, record: Rows): Promise<string | undefined> {
  const news = `select * from ${table} except all select * from ${without}`;
  const { columns } = await bench.query(`select * from ${table} limit 0`);
  const own = record.columns.flatMap(({ name, type }, at) => {
    const cell = record.rows[0]?.[at] ?? null;
    const isId = IDS.test(name) && !name.startsWith('_') && columns.some((column) => column.name === name);
    return isId && cell !== null ? [`${quoteIdentifier(name)} = ${literal(cell, type)}`] : [];
  });
  for (const rows of [...(own.length > 0 ? [`select * from (${news}) where ${own.join(' and ')}`] : []), news]) {
    const { rows: found } = await bench.query(`select 1 from (${rows}) limit 1`);
    if (found.length > 0) return rows;
  }
  return undefined;
}
