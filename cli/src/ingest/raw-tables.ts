import type { DuckDbWarehouse } from '../warehouse/duckdb.ts';
import { quoteIdentifier } from '../warehouse/sql.ts';
import { entities, entityNames } from './entities.ts';

/** What every raw row and every rejected record says of where it came from. */
const METADATA = `_batch_id VARCHAR not null, _batch_seq INTEGER not null, _dropped_on DATE not null,
  _source_file VARCHAR not null, _record_index BIGINT not null, _loaded_at TIMESTAMP not null`;

/** Makes the raw tables that are not there yet. They only ever grow. */
export async function createRawTables(warehouse: DuckDbWarehouse): Promise<void> {
  await warehouse.run('create schema if not exists raw');
  for (const name of entityNames) {
    const columns = entities[name].columns.map(([column, type]) => `${quoteIdentifier(column)} ${type}`).join(', ');
    await warehouse.run(`create table if not exists raw.${name} (${columns}, ${METADATA})`);
  }
  await warehouse.run(`create table if not exists raw.rejected_records (rejected_id VARCHAR not null, entity VARCHAR not null,
    reasons VARCHAR[] not null, record VARCHAR not null, line BIGINT, ${METADATA})`);
  await warehouse.run(`create table if not exists raw.batches (batch_id VARCHAR not null, batch_seq INTEGER not null,
    dropped_on DATE not null, folder VARCHAR not null, loaded_at TIMESTAMP not null)`);
  await warehouse.run(`create table if not exists raw.loaded_files (batch_id VARCHAR not null, entity VARCHAR not null,
    source_file VARCHAR not null, sha256 VARCHAR not null, bytes BIGINT not null, records_read BIGINT not null,
    records_loaded BIGINT not null, records_rejected BIGINT not null)`);
}
