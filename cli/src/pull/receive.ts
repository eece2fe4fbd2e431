import { MeetupError } from '../config/errors.ts';
import { isLoadColumn, isReservedName } from '../ingest/schemas.ts';
import { anonymise, type Input, type Kept } from '../test-new/anonymise.ts';
import type { Declared } from '../test-new/declared.ts';
import { type SqlValues, valuesInSql } from '../test-new/sql-values.ts';
import type { Rows } from '../test-new/workbench.ts';
import type { DatabricksConnection, StatementOptions } from '../warehouse/databricks.ts';
import type { Cell } from '../warehouse/warehouse.ts';
import { type PullManifest, valuesIn } from './manifest.ts';
import type { LocalProject } from './open-sources.ts';
import { type Limits, type Reading, readStatement } from './sample-plan.ts';
import type { SourceTable } from './source-tables.ts';
import { cellOf } from './types.ts';

/** The rows of one table, in memory. */
export interface Received {
  readonly table: SourceTable;
  readonly rows: Rows;
}

/**
 * Reads the rows. They are only in memory, as they are on the target: nothing of them may be written before {@link withoutPersons}.
 * @throws MeetupError if there are more by now than was planned and allowed.
 */
export async function receive(
  connection: DatabricksConnection,
  readings: readonly Reading[],
  { maxRows, maxBytes }: Limits,
  options: StatementOptions,
): Promise<Received[]> {
  const received: Received[] = [];
  let [rows, bytes] = [0, 0];
  for (const { table, chosen } of readings) {
    const found =
      chosen === undefined ? [] : await connection.rows(readStatement(table, chosen, maxRows - rows + 1), options);
    const texts = found.map(({ json }) => String(json));
    rows += texts.length;
    bytes += texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    if (rows > maxRows || bytes > maxBytes) {
      throw new MeetupError('The target has more of these rows than were counted a moment ago: pull again.');
    }
    received.push({ table, rows: { columns: table.brought, rows: texts.map((text) => cellsOf(text, table)) } });
  }
  return received;
}

function cellsOf(text: string, { brought }: SourceTable): Cell[] {
  const json: unknown = JSON.parse(text);
  const given = new Map(typeof json === 'object' && json !== null ? Object.entries(json) : []);
  return brought.map(({ type }, at) => cellOf(given.get(`c${at}`), type));
}

/**
 * Replaces what may be a person's, by the rules of `test new`: every text and every key, the same value by the same one in all tables.
 * Kept are whole texts that the project's SQL names, and columns that are declared as not personal.
 */
export function withoutPersons(
  received: readonly Received[],
  project: LocalProject,
): { readonly received: Received[]; readonly kept: readonly Kept[] } {
  const inputs = received.map((one): Input => {
    const { table } = one;
    return { reference: table.name, rows: withoutRecords(one, project), declared: declaredOf(table, project) };
  });
  const { given, kept } = anonymise(inputs, namedIn(project.manifest));
  const replaced = received.map(({ table }, at): Received => {
    const rows = given[at];
    if (rows === undefined) throw new Error(`${table.name} was not anonymised.`);
    return { table, rows };
  });
  return { received: replaced, kept };
}

/** The columns that `load` adds, and its own tables, tell where a record came from, not what it says. */
function declaredOf({ id, schema, table, brought }: SourceTable, project: LocalProject): ReadonlyMap<string, Declared> {
  const said = project.declared(id);
  const isRaw = schema === 'raw' && project.rawTables.some(({ name }) => name === table);
  if (!isRaw) return said;
  const isOwnTable = isReservedName(table) && table !== 'rejected_records';
  const own = brought.filter(
    ({ name }) => isOwnTable || isLoadColumn(name) || (table === 'rejected_records' && OF_REJECTED.has(name)),
  );
  return new Map<string, Declared>([
    ...own.map(({ name }) => [name.toLowerCase(), { personal: false }] as const),
    ...said,
  ]);
}

/** The columns of rejected records that don't quote them; the record itself is left out. */
const OF_REJECTED = new Set(['rejected_id', 'entity', 'record']);

/** Rejected records are JSON as somebody wrote it, with anything in it: only that they were rejected is brought. */
function withoutRecords({ table, rows }: Received, project: LocalProject): Rows {
  const at = rows.columns.findIndex(({ name }) => name === 'record');
  const isRaw = table.schema === 'raw' && table.table === 'rejected_records' && project.rawTables.length > 0;
  return isRaw && at !== -1 ? { ...rows, rows: rows.rows.map((row) => row.with(at, '{}')) } : rows;
}

/**
 * The whole texts that the project's SQL compares with, and accepted values of tests. Single words and numbers don't count: the SQL of a
 * whole project names many, each of which may be part of a name or somebody's id.
 */
export function namedIn({ nodes }: Pick<PullManifest, 'nodes'>): SqlValues {
  const all = Object.values(nodes);
  const code = all.map(({ raw_code: sql }) => (sql ?? '').replaceAll(/\{#[\s\S]*?#\}/g, ''));
  const accepted = all.flatMap(({ test_metadata: test }) =>
    test?.name === 'accepted_values' ? valuesIn(test.kwargs.values) : [],
  );
  const texts = code.flatMap((sql) => [...valuesInSql(sql).texts]).filter((text) => text.trim() !== '');
  return { texts: new Set([...texts, ...accepted]), words: new Set(), numbers: new Set(), holds: () => false };
}
