import { listValue } from '@duckdb/node-api';
import type { DuckDbWarehouse } from '../../warehouse/duckdb.ts';
import { quoteIdentifier, quoteLiteral } from '../../warehouse/sql.ts';
import { jsonStructure } from '../contract/column-types.ts';
import type { Contract, Contracts } from '../schemas.ts';
import { RECORD_COLUMNS } from '../settle.ts';
import { recount } from './recount.ts';

/** The outcome for an entity's rejected records. */
export interface Retried {
  /** Records that are valid now and were loaded into the raw table. */
  readonly loaded: number;
  readonly rejected: number;
}

/** Records that are validated at once. */
const PORTION = 2000;

/**
 * Loads rejected records that are valid now into their raw tables, with their original batch, file and position, so that the
 * tables equal those of a load from scratch. Runs inside the caller's transaction.
 * @returns the counts of entities that had rejected records.
 */
export async function retryRejected(
  warehouse: DuckDbWarehouse,
  contracts: Contracts,
): Promise<Readonly<Record<string, Retried>>> {
  const retried: Record<string, Retried> = {};
  for (const [entity, contract] of contracts) {
    const counts = await retryEntity(warehouse, entity, contract);
    if (counts.loaded > 0) await recount(warehouse, entity);
    if (counts.loaded + counts.rejected > 0) retried[entity] = counts;
  }
  return retried;
}

async function retryEntity(warehouse: DuckDbWarehouse, entity: string, contract: Contract): Promise<Retried> {
  const total = { loaded: 0, rejected: 0 };
  // DuckDB gives an updated row a new, higher id.
  const { rows: ids } = await warehouse.query('select coalesce(max(rowid), -1)::varchar from raw.rejected_records');
  const last = String(ids[0]?.[0]);
  let after = '-1';
  for (;;) {
    const { rows } = await warehouse.query(
      `select rowid::varchar, record from raw.rejected_records
       where entity = $entity and rowid > ${after} and rowid <= ${last} order by rowid limit ${PORTION}`,
      { entity },
    );
    if (rows.length === 0) return total;
    after = String(rows.at(-1)?.[0]);
    const judged = rows.map(([row, record]) => {
      const text = String(record);
      const value: unknown = JSON.parse(text);
      return { row: BigInt(String(row)), value, reasons: contract.validate({ text, value }) };
    });
    const good = judged.filter(({ reasons }) => reasons.length === 0);
    const bad = judged.filter(({ reasons }) => reasons.length > 0);
    await accept(warehouse, entity, contract, good);
    await keepReasons(warehouse, bad);
    total.loaded += good.length;
    total.rejected += bad.length;
  }
}

async function accept(
  warehouse: DuckDbWarehouse,
  entity: string,
  contract: Contract,
  records: readonly { row: bigint; value: unknown }[],
): Promise<void> {
  if (records.length === 0) return;
  const names = contract.record.fields.map(([name]) => quoteIdentifier(name));
  const rows = listValue(records.map(({ row }) => row));
  await warehouse.run(
    `insert into raw.${quoteIdentifier(entity)} (${names.join(', ')}, ${RECORD_COLUMNS})
     select ${names.map((name) => `good.record.${name}`).join(', ')}, ${RECORD_COLUMNS}
     from (
       select unnest($rows::bigint[]) as row_id,
         json_transform(unnest($texts::varchar[])::json, ${quoteLiteral(JSON.stringify(jsonStructure(contract.record)))}) as record
     ) as good
     inner join raw.rejected_records as rejected on rejected.rowid = good.row_id`,
    { rows, texts: listValue(records.map(({ value }) => JSON.stringify(value))) },
  );
  await warehouse.run('delete from raw.rejected_records where rowid in (select unnest($rows::bigint[]))', { rows });
}

/** Updates the reasons, because the new schema may reject a record for other ones. */
async function keepReasons(
  warehouse: DuckDbWarehouse,
  records: readonly { row: bigint; reasons: readonly string[] }[],
): Promise<void> {
  if (records.length === 0) return;
  await warehouse.run(
    `update raw.rejected_records as rejected set reasons = from_json(bad.reasons, '["VARCHAR"]')
     from (select unnest($rows::bigint[]) as row_id, unnest($reasons::varchar[]) as reasons) as bad
     where rejected.rowid = bad.row_id and rejected.reasons <> from_json(bad.reasons, '["VARCHAR"]')`,
    {
      rows: listValue(records.map(({ row }) => row)),
      reasons: listValue(records.map(({ reasons }) => JSON.stringify(reasons))),
    },
  );
}
