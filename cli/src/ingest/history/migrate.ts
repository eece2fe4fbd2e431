import { listValue } from '@duckdb/node-api';
import type { DuckDbWarehouse } from '../../warehouse/duckdb.ts';
import { quoteIdentifier, quoteLiteral } from '../../warehouse/sql.ts';
import { jsonStructure } from '../contract/column-types.ts';
import { createTable, type RawTable } from '../raw-tables.ts';
import { isLoadColumn } from '../schemas.ts';
import { RECORD_COLUMNS, rejectedIdOf } from '../settle.ts';
import { recount } from './recount.ts';
import type { SchemaChange } from './schema-changes.ts';
import { type StoredRecord, storedRecords } from './stored-records.ts';

/**
 * Rewrites a raw table to match its schema: records that are no longer valid are moved to raw.rejected_records, and columns get
 * their new types. Runs inside the caller's transaction.
 * @param table the raw table according to the schema.
 */
export async function migrate(warehouse: DuckDbWarehouse, change: SchemaChange, table: RawTable): Promise<void> {
  await warehouse.run('create or replace temp table migrating_rows (row_id bigint)');
  for await (const portion of storedRecords(warehouse, change.entity, change.columns, change.contract.schema)) {
    await reject(warehouse, change, portion);
  }
  await rewrite(warehouse, change, table);
  await warehouse.run('drop table temp.migrating_rows');
  await recount(warehouse, change.entity);
}

async function reject(
  warehouse: DuckDbWarehouse,
  { entity, contract }: SchemaChange,
  portion: readonly StoredRecord[],
): Promise<void> {
  const bad = portion
    .map((record) => ({ ...record, reasons: contract.validate(record) }))
    .filter(({ reasons }) => reasons.length > 0);
  if (bad.length === 0) return;
  const rows = listValue(bad.map(({ row }) => row));
  await warehouse.run(
    `insert into raw.rejected_records (rejected_id, entity, reasons, record, line, ${RECORD_COLUMNS})
     select bad.id, $entity, from_json(bad.reasons, '["VARCHAR"]'), bad.record, null, ${RECORD_COLUMNS}
     from (
       select unnest($rows::bigint[]) as row_id, unnest($ids::varchar[]) as id, unnest($reasons::varchar[]) as reasons,
         unnest($records::varchar[]) as record
     ) as bad
     inner join raw.${quoteIdentifier(entity)} as stored on stored.rowid = bad.row_id`,
    {
      entity,
      rows,
      ids: listValue(bad.map((record) => rejectedIdOf(record))),
      reasons: listValue(bad.map(({ reasons }) => JSON.stringify(reasons))),
      records: listValue(bad.map(({ text }) => text)),
    },
  );
  await warehouse.run('insert into temp.migrating_rows select unnest($rows::bigint[])', { rows });
}

/** Columns that the schema no longer has are kept. */
async function rewrite(warehouse: DuckDbWarehouse, change: SchemaChange, table: RawTable): Promise<void> {
  const listed = new Set(table.columns.map(({ name }) => name));
  const left = [...change.columns]
    .filter(([name]) => !listed.has(name))
    .map(([name, type]) => ({ name, type, notNull: false }));
  const name = `migrating_${change.entity}`;
  await warehouse.run(createTable({ ...table, name, columns: [...left, ...table.columns] }));
  const structures = new Map(change.contract.record.fields);
  const retyped = new Set(change.retyped.map(({ column }) => column));
  const columns = [...left, ...table.columns].filter((column) => change.columns.has(column.name));
  const values = columns.map((column) => {
    const field = structures.get(column.name);
    const quoted = quoteIdentifier(column.name);
    if (field === undefined || isLoadColumn(column.name) || !retyped.has(column.name)) return quoted;
    // All values are valid against the new schema, so their JSON can be read into the new type without loss.
    return `json_transform(to_json(${quoted}), ${quoteLiteral(JSON.stringify(jsonStructure(field)))})`;
  });
  const old = `raw.${quoteIdentifier(change.entity)}`;
  await warehouse.run(
    `insert into raw.${quoteIdentifier(name)} (${columns.map((column) => quoteIdentifier(column.name)).join(', ')})
     select ${values.join(', ')} from ${old} where rowid not in (select row_id from temp.migrating_rows) order by rowid`,
  );
  await warehouse.run(`drop table ${old}`);
  await warehouse.run(`alter table raw.${quoteIdentifier(name)} rename to ${quoteIdentifier(change.entity)}`);
}
