import { quoteIdentifier, quoteLiteral } from '../warehouse/sql.ts';
import type { Cell } from '../warehouse/warehouse.ts';
import type { CompiledModel } from './compiled-model.ts';
import { literal } from './literal.ts';
import type { Column, Rows, Workbench } from './workbench.ts';

/** Columns that link rows of one table to rows of another. */
const LINKING = /(_id|_key|_on)$|^(_batch_seq|_source_file|_record_index)$/;
export const IDS = /(_id|_key)$/;

/** The largest slice that is searched. */
export const MOST_SLICED = 100_000;

/**
 * Conditions that narrow each input before it is searched row by row, from narrow to wide: rows that share all linking columns
 * with a chosen row; rows that share an id with one, or with a row of another input that does; all rows.
 */
export async function conditionsFor(bench: Workbench, model: CompiledModel, chosen: Rows): Promise<string[][]> {
  const columns: (readonly Column[])[] = [];
  for (const input of model.inputs) {
    columns.push((await bench.query(`select * from ${bench.relation(input)} limit 0`)).columns);
  }
  const values = valuesOf(chosen, LINKING);
  const near = columns.map((mine) => joined(mine, values, LINKING, ' and '));
  const wider = await withNeighbours(bench, model, columns, valuesOf(chosen, IDS));
  return [near, columns.map((mine) => joined(mine, wider, IDS, ' or ')), columns.map(() => 'true')];
}

type Values = ReadonlyMap<string, ReadonlySet<string>>;

/** `other_group_id` is a group_id. */
const meaning = (column: string): string => column.replace(/^other_/, '');

function valuesOf({ columns, rows }: Rows, linking: RegExp): Values {
  const values = new Map<string, Set<string>>();
  for (const [index, { name, type }] of columns.entries()) {
    if (!linking.test(name)) continue;
    const known = values.get(meaning(name)) ?? new Set<string>();
    for (const row of rows) if (row[index] !== null && row[index] !== undefined) known.add(literal(row[index], type));
    values.set(meaning(name), known);
  }
  return values;
}

function joined(columns: readonly Column[], values: Values, linking: RegExp, by: string): string {
  const conditions = columns.flatMap(({ name }) => {
    const known = values.get(meaning(name));
    if (known === undefined || known.size === 0 || !linking.test(name)) return [];
    return [`${quoteIdentifier(name)} in (${[...known].join(', ')})`];
  });
  return conditions.length === 0 ? 'true' : `(${conditions.join(by)})`;
}

/** The maximum number of ids that are followed from one table to another. */
const MOST_FOLLOWED = 500;

/** Ids in the same rows of an input as the chosen ones, such as the groups of a topic. */
async function withNeighbours(
  bench: Workbench,
  model: CompiledModel,
  columns: readonly (readonly Column[])[],
  values: Values,
): Promise<Values> {
  const wider = new Map([...values].map(([name, known]) => [name, new Set(known)]));
  for (const [index, input] of model.inputs.entries()) {
    const mine = columns[index] ?? [];
    const condition = joined(mine, values, IDS, ' and ');
    const unknown = mine.filter(({ name }) => IDS.test(name) && !values.has(meaning(name)) && name !== 'user_id');
    if (condition === 'true') continue;
    for (const { name, type } of unknown) {
      const found = await bench.query(
        `select distinct ${quoteIdentifier(name)} from ${bench.relation(input)} where ${condition} limit ${MOST_FOLLOWED}`,
      );
      const known = wider.get(meaning(name)) ?? new Set<string>();
      for (const [cell] of found.rows) if (cell !== null && cell !== undefined) known.add(literal(cell, type));
      wider.set(meaning(name), known);
    }
  }
  return wider;
}

/** A condition that is true for the rows with these keys. */
export function keyCondition(chosen: Rows, key: readonly string[]): string {
  const places = key.map((name) => chosen.columns.findIndex((column) => column.name === name));
  const equal = (row: readonly Cell[]): string =>
    places
      .map((place) => {
        const column = chosen.columns[place];
        return `${quoteIdentifier(column?.name ?? '')} is not distinct from ${literal(row[place] ?? null, column?.type ?? 'VARCHAR')}`;
      })
      .join(' and ');
  return chosen.rows.map((row) => `(${equal(row)})`).join(' or ');
}

/** The columns that identify a table's rows: the first single one that does, or the fewest from the left. */
export async function keyOfTable(bench: Workbench, table: string, columns: readonly Column[]): Promise<string[]> {
  const candidates = [
    ...columns.slice(0, 3).map(({ name }) => [name]),
    ...columns.map((_column, index) => columns.slice(0, index + 1).map(({ name }) => name)),
  ];
  for (const names of candidates) {
    const list = names.map(quoteIdentifier).join(', ');
    const { rows } = await bench.query(
      `select (select count(*) from (select distinct ${list} from ${table})) = (select count(*) from ${table})`,
    );
    if (rows[0]?.[0] === true) return names;
  }
  return columns.map(({ name }) => name);
}

/** Parses `--from-key VALUE`: the key's values as texts, separated by commas if the key has several columns. */
export function fromKey(value: string, key: readonly string[]): string {
  const parts = key.length === 1 ? [value] : value.split(',').map((part) => part.trim());
  return key
    .slice(0, parts.length)
    .map((name, index) => `cast(${quoteIdentifier(name)} as varchar) = ${quoteLiteral(parts[index] ?? '')}`)
    .join(' and ');
}
