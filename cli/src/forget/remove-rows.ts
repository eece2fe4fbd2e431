import { listValue } from '@duckdb/node-api';
import { recount } from '../ingest/history/recount.ts';
import { existingColumns } from '../ingest/raw-tables.ts';
import type { Contracts } from '../ingest/schemas.ts';
import { rejectedIdOf } from '../ingest/settle.ts';
import type { DuckDbWarehouse } from '../warehouse/duckdb.ts';
import { quoteIdentifier, quoteLiteral } from '../warehouse/sql.ts';
import type { FoundRow, FoundRows } from './raw-rows.ts';

/** A data file that was written anew: what `load` compares with, before and after. */
export interface NewVersion {
  readonly sourceFile: string;
  readonly before: string;
  readonly sha256: string;
  readonly bytes: number;
}

/**
 * Removes and changes rows, so that the raw tables are those of a load of the files without them: later records of a file move up,
 * and the counts and checksums of the files follow. Runs inside the caller's transaction.
 */
export async function removeRows(
  warehouse: DuckDbWarehouse,
  found: readonly FoundRows[],
  versions: readonly NewVersion[],
  contracts: Contracts,
): Promise<void> {
  await warehouse.run(
    'create or replace temp table forgotten_places (batch_id varchar, source_file varchar, record_index bigint)',
  );
  for (const { schema, table, rows } of found) {
    const place = `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
    const columns = (await existingColumns(warehouse)).get(table) ?? new Map<string, string>();
    await changeRows(warehouse, place, rows, columns);
    const gone = rows.filter(({ changed }) => changed === undefined).map(({ row }) => row);
    // DuckDB can't tell the type of an empty list.
    if (gone.length > 0) await deleteRows(warehouse, place, schema === 'raw', gone);
  }
  await moveUp(warehouse);
  for (const entity of contracts.keys()) {
    if ((await existingColumns(warehouse)).has(entity)) await recount(warehouse, entity);
  }
  await warehouse.run('update raw.loaded_files set records_read = records_loaded + records_rejected');
  for (const version of versions) {
    await warehouse.run(
      'update raw.loaded_files set sha256 = $sha256, bytes = $bytes where source_file = $file and sha256 = $before',
      { file: version.sourceFile, before: version.before, sha256: version.sha256, bytes: BigInt(version.bytes) },
    );
  }
  await warehouse.run('drop table temp.forgotten_places');
}

async function deleteRows(
  warehouse: DuckDbWarehouse,
  place: string,
  isRaw: boolean,
  rows: readonly bigint[],
): Promise<void> {
  const gone = listValue([...rows]);
  if (isRaw) {
    await warehouse.run(
      `insert into temp.forgotten_places select _batch_id, _source_file, _record_index from ${place}
       where rowid in (select unnest($gone::bigint[]))`,
      { gone },
    );
  }
  await warehouse.run(`delete from ${place} where rowid in (select unnest($gone::bigint[]))`, { gone });
}

/** Stands for the value of a column that does not change; it is not JSON. */
const UNCHANGED = '';

/** Writes the changed columns. All of a row's at once, because DuckDB may give an updated row another id. */
async function changeRows(
  warehouse: DuckDbWarehouse,
  place: string,
  rows: readonly FoundRow[],
  types: ReadonlyMap<string, string>,
): Promise<void> {
  const changed = rows.flatMap((row) => (row.changed === undefined ? [] : [{ row: row.row, values: row.changed }]));
  const columns = [...new Set(changed.flatMap(({ values }) => [...values.keys()]))];
  if (columns.length === 0) return;
  const sets = columns.map((column, i) => {
    const type = types.get(column) ?? 'JSON';
    const name = quoteIdentifier(column);
    return `${name} = case v.text_${i} when ${quoteLiteral(UNCHANGED)} then t.${name} when 'null' then null else cast(cast(v.text_${i} as json) as ${type}) end`;
  });
  const texts = columns.map((column) =>
    changed.map(({ values }) => (values.has(column) ? JSON.stringify(values.get(column)) : UNCHANGED)),
  );
  await warehouse.run(
    `update ${place} as t set ${sets.join(', ')} from (
       select unnest($rows::bigint[]) as row_id, ${columns.map((_, i) => `unnest($texts_${i}::varchar[]) as text_${i}`).join(', ')}
     ) as v where t.rowid = v.row_id`,
    {
      rows: listValue(changed.map(({ row }) => row)),
      ...Object.fromEntries(texts.map((list, i) => [`texts_${i}`, listValue(list)])),
    },
  );
}

/** Gives the records behind a removed one of the same file the positions that they have in the file without it. */
async function moveUp(warehouse: DuckDbWarehouse): Promise<void> {
  const { rows: any } = await warehouse.query('select 1 from temp.forgotten_places limit 1');
  if (any.length === 0) return;
  for (const [table, columns] of await existingColumns(warehouse)) {
    if (!columns.has('_record_index') || !columns.has('_source_file')) continue;
    await warehouse.run(
      `update raw.${quoteIdentifier(table)} as t set _record_index = t._record_index - (
         select count(*) from temp.forgotten_places as gone
         where gone.batch_id = t._batch_id and gone.source_file = t._source_file and gone.record_index < t._record_index
       )
       where (t._batch_id, t._source_file) in (select (batch_id, source_file) from temp.forgotten_places)`,
    );
  }
  await renameRejected(warehouse);
}

/** The id of a rejected record is derived from its position. */
async function renameRejected(warehouse: DuckDbWarehouse): Promise<void> {
  const { rows } = await warehouse.query(
    `select rowid::varchar, _batch_id, _source_file, _record_index, record from raw.rejected_records
     where (_batch_id, _source_file) in (select (batch_id, source_file) from temp.forgotten_places)`,
  );
  if (rows.length === 0) return;
  await warehouse.run(
    `update raw.rejected_records as t set rejected_id = v.id
     from (select unnest($rows::bigint[]) as row_id, unnest($ids::varchar[]) as id) as v where t.rowid = v.row_id`,
    {
      rows: listValue(rows.map(([row]) => BigInt(String(row)))),
      ids: listValue(
        rows.map(([, batch, sourceFile, index, text]) =>
          rejectedIdOf({
            batch: String(batch),
            sourceFile: String(sourceFile),
            index: Number(index),
            text: String(text),
          }),
        ),
      ),
    },
  );
}
