import type { DuckDbWarehouse } from '../../warehouse/duckdb.ts';
import { quoteIdentifier } from '../../warehouse/sql.ts';

/** Corrects the counts of an entity's files after records have moved between its table and the quarantine. */
export const recount = (warehouse: DuckDbWarehouse, entity: string): Promise<void> =>
  warehouse.run(
    `update raw.loaded_files as file set
       records_loaded = (
         select count(*) from raw.${quoteIdentifier(entity)} as stored
         where stored._batch_id = file.batch_id and stored._source_file = file.source_file
       ),
       records_rejected = (
         select count(*) from raw.rejected_records as rejected
         where rejected.entity = $entity and rejected._batch_id = file.batch_id and rejected._source_file = file.source_file
       )
     where file.entity = $entity`,
    { entity },
  );
