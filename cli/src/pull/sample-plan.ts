import { z } from 'zod';
import { MeetupError } from '../config/errors.ts';
import { formatBytes, plural } from '../text/text.ts';
import type { DatabricksConnection, StatementOptions } from '../warehouse/databricks.ts';
import { quoteName } from '../warehouse/databricks-sql.ts';
import { mapConcurrently } from '../warehouse/map-concurrently.ts';
import type { Chosen, Closure } from './closure.ts';
import type { SourceTable } from './source-tables.ts';
import { asTexts } from './types.ts';

/** Tables that nothing connects to the chosen keys are brought whole if they have at most so many rows. */
export const SMALL_TABLE = 10_000;

export interface Limits {
  readonly maxRows: number;
  readonly maxBytes: number;
}

/** What is brought from one table. */
export interface PlannedTable {
  readonly name: string;
  readonly rows: number;
  /** Of its rows as JSON. */
  readonly bytes: number;
  readonly why: string;
}

/** A table, and the condition on its rows. */
export interface Reading {
  readonly table: SourceTable;
  readonly chosen: Chosen | undefined;
  readonly planned: PlannedTable;
}

const countSchema = z.tuple([z.object({ n: z.coerce.number(), bytes: z.coerce.number() })]);

/**
 * Counts on the target what would be brought; no row leaves it.
 * @param ignored tables that stay empty, because nothing needs them
 */
export async function planReadings(
  connection: DatabricksConnection,
  tables: readonly SourceTable[],
  { chosen }: Closure,
  ignored: ReadonlySet<string>,
  options: StatementOptions,
): Promise<Reading[]> {
  return mapConcurrently(tables, async (table): Promise<Reading> => {
    const own = chosen.find((one) => one.table === table.id);
    const none = { name: table.name, rows: 0, bytes: 0 };
    if (ignored.has(table.id))
      return { table, chosen: undefined, planned: { ...none, why: 'the model does not need it' } };
    const whole = own ?? { table: table.id, where: 'true', with: '', why: ['whole: no reference leads there'] };
    if (own === undefined && (await isLarge(connection, table, options))) {
      const why = `empty: no reference leads there, and it has more than ${plural(SMALL_TABLE, 'row')}`;
      return { table, chosen: undefined, planned: { ...none, why } };
    }
    const [{ n, bytes }] = countSchema.parse(await connection.rows(countStatement(table, whole), options));
    return { table, chosen: whole, planned: { name: table.name, rows: n, bytes, why: whole.why.join(', ') } };
  });
}

async function isLarge(
  connection: DatabricksConnection,
  { place }: SourceTable,
  options: StatementOptions,
): Promise<boolean> {
  const [row] = await connection.rows(
    `select count(*) as n from (select 1 from ${place} limit ${SMALL_TABLE + 1})`,
    options,
  );
  return Number(row?.n) > SMALL_TABLE;
}

/** A row as JSON, with a property for each column: `c0`, `c1`, … */
function rowAsJson({ brought }: SourceTable): string {
  const fields = brought.flatMap(({ name, from }, at) =>
    from === undefined ? [] : [`'c${at}', ${asTexts(quoteName(name), from)}`],
  );
  return `to_json(named_struct(${fields.length === 0 ? "'none', cast(null as string)" : fields.join(', ')}))`;
}

export const countStatement = (table: SourceTable, { where, with: sets }: Chosen): string =>
  `${sets}select count(*) as n, cast(coalesce(sum(octet_length(json)), 0) as string) as bytes from (select ${rowAsJson(table)} as json from ${table.place} where ${where})`;

/** @param most the rows that are read at most, whatever was counted before */
export const readStatement = (table: SourceTable, { where, with: sets }: Chosen, most: number): string =>
  `${sets}select ${rowAsJson(table)} as json from ${table.place} where ${where} limit ${most}`;

/** @throws MeetupError if the sample is empty or larger than the limits. */
export function requireWithin(
  readings: readonly Reading[],
  chosenIds: ReadonlySet<string>,
  { maxRows, maxBytes }: Limits,
): void {
  const sum = (of: (planned: PlannedTable) => number): number =>
    readings.reduce((total, { planned }) => total + of(planned), 0);
  const [rows, bytes] = [sum((planned) => planned.rows), sum((planned) => planned.bytes)];
  if (!readings.some(({ table, planned }) => chosenIds.has(table.id) && planned.rows > 0)) {
    throw new MeetupError('No row has these keys: choose others, or a larger share.');
  }
  const largest = [...readings].sort((a, b) => b.planned.bytes - a.planned.bytes).slice(0, 3);
  const named = largest.map(({ planned }) => `${planned.name} ${plural(planned.rows, 'row')}`).join(', ');
  const advice = `choose fewer keys, or raise the limit`;
  if (rows > maxRows) {
    throw new MeetupError(
      `The sample has ${plural(rows, 'row')} (${named}), more than --max-rows ${maxRows}: ${advice}.`,
    );
  }
  if (bytes > maxBytes) {
    throw new MeetupError(
      `The sample has ${formatBytes(bytes)} (${named}), more than --max-bytes ${formatBytes(maxBytes)}: ${advice}.`,
    );
  }
}
