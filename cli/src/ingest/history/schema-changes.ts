import { MeetupError } from '../../config/errors.ts';
import { formatCount } from '../../text/text.ts';
import type { DuckDbWarehouse } from '../../warehouse/duckdb.ts';
import { type DuckDbType, parseType } from '../../warehouse/duckdb-type.ts';
import { annotationOf } from '../annotations.ts';
import { isObject } from '../contract/json-schema.ts';
import { existingColumns, rawTablesOf, sameType } from '../raw-tables.ts';
import type { Contract, Contracts } from '../schemas.ts';
import { storedRecords } from './stored-records.ts';
import { schemaKey, storedSchemas } from './stored-schema.ts';

/** The changes that a raw table needs to match its schema. */
export interface SchemaChange {
  readonly entity: string;
  readonly contract: Contract;
  /** The table's current columns. */
  readonly columns: ReadonlyMap<string, string>;
  readonly retyped: readonly { readonly column: string; readonly from: string; readonly to: string }[];
  /** The key before and after, if it changed. The models name it themselves, so nothing but a person can follow. */
  readonly rekeyed?: { readonly from: readonly string[]; readonly to: readonly string[] };
  readonly records: number;
  /** The number of records that the schema no longer allows. */
  readonly invalid: number;
  /** The first of them, with the reason. */
  readonly example?: string;
  /** Whether objects only get new fields, which needs no confirmation. */
  readonly isHarmless: boolean;
}

/**
 * Finds the raw tables with records or types that their schemas don't allow. Reads all records of tables whose schema has
 * changed.
 */
export async function schemaChanges(warehouse: DuckDbWarehouse, contracts: Contracts): Promise<SchemaChange[]> {
  const tables = await existingColumns(warehouse);
  const schemas = await storedSchemas(warehouse);
  const wanted = new Map(rawTablesOf(contracts).map((table) => [table.name, table.columns]));
  const changes: SchemaChange[] = [];
  for (const [entity, contract] of contracts) {
    const columns = tables.get(entity);
    if (columns === undefined) continue;
    const retyped = (wanted.get(entity) ?? []).flatMap(({ name, type: to }) => {
      const from = columns.get(name);
      return from === undefined || sameType(from, to) ? [] : [{ column: name, from, to }];
    });
    // A table from an earlier version of meetup has no stored schema: its records are assumed to be valid.
    const before = schemas.get(entity) ?? schemaKey(contract);
    if (retyped.length === 0 && before === schemaKey(contract)) continue;
    const found = await invalidIn(warehouse, entity, columns, contract);
    const rekeyed = rekeying(before, contract);
    if (retyped.length > 0 || found.invalid > 0 || rekeyed !== undefined) {
      const isHarmless =
        found.invalid === 0 &&
        rekeyed === undefined &&
        retyped.every(({ from, to }) => isWider(parseType(from), parseType(to)));
      const change = { entity, contract, columns, retyped, isHarmless, ...found };
      changes.push(rekeyed === undefined ? change : { ...change, rekeyed });
    }
  }
  return changes;
}

/** Naming a key for the first time changes nothing that a model relies on. */
function rekeying(before: string, { key: to }: Contract): SchemaChange['rekeyed'] {
  const stored: unknown = JSON.parse(before);
  const from = isObject(stored) ? (annotationOf(stored).key ?? []) : [];
  return from.length === 0 || from.join('\n') === to.join('\n') ? undefined : { from, to };
}

/** Whether a type only has more fields than another. */
function isWider(from: DuckDbType, to: DuckDbType): boolean {
  if (from.kind === 'plain') return to.kind === 'plain' && from.name === to.name;
  if (from.kind === 'list') return to.kind === 'list' && isWider(from.item, to.item);
  if (from.kind !== 'struct' || to.kind !== 'struct') return false;
  return [...from.fields].every(([name, field]) => {
    const other = to.fields.get(name);
    return other !== undefined && isWider(field, other);
  });
}

async function invalidIn(
  warehouse: DuckDbWarehouse,
  entity: string,
  columns: ReadonlyMap<string, string>,
  contract: Contract,
): Promise<Pick<SchemaChange, 'records' | 'invalid' | 'example'>> {
  let records = 0;
  let invalid = 0;
  let example: string | undefined;
  for await (const portion of storedRecords(warehouse, entity, columns, contract.schema)) {
    records += portion.length;
    for (const record of portion) {
      const reasons = contract.validate(record);
      if (reasons.length === 0) continue;
      invalid += 1;
      example ??= `record ${record.index} of ${record.sourceFile}: ${reasons.slice(0, 3).join('; ')}`;
    }
  }
  return { records, invalid, ...(example === undefined ? {} : { example }) };
}

/** The error if tables have to be migrated before anything can be loaded, with the plan. */
export function mustMigrate(changes: readonly SchemaChange[], command: string): MeetupError {
  const plans = changes.map(({ entity, retyped, rekeyed, records, invalid, example }) => {
    const key =
      rekeyed === undefined
        ? []
        : [
            `its key becomes ${rekeyed.to.join(', ') || 'unknown'} instead of ${rekeyed.from.join(', ')}, which models that keep the latest version of each record have to follow by hand`,
          ];
    const columns = retyped.map(({ column, from, to }) => `${column} becomes ${to} instead of ${from}`);
    const moved = `${formatCount(invalid)} of ${formatCount(records)} loaded records move to raw.rejected_records${example === undefined ? '' : ` (for example ${example})`}`;
    return `${entity}.schema.json no longer matches the contents of raw.${entity}: ${[...key, ...columns, moved].join(', ')}`;
  });
  return new MeetupError(
    `${plans.join('; ')}. Nothing was changed: run \`${command} load --migrate\` to do this, or change the schema back.`,
  );
}
