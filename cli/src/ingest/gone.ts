import type { DuckDbWarehouse } from '../warehouse/duckdb.ts';
import { quoteIdentifier, quoteLiteral } from '../warehouse/sql.ts';
import { sqlType } from './contract/column-types.ts';
import { type Loading, tableOf } from './loading.ts';

/** How many of an entity's records a complete file lacks. */
export interface GoneCount {
  /** The records that were there before the file, by their keys. */
  readonly known: number;
  /** How many of them the file lacks. */
  readonly gone: number;
}

/**
 * Counts the records that a complete file lacks, after it was loaded. What was there before is everything since the complete file
 * before it, in the order that decides which version of a record is the latest: an older drop that arrives late is compared with what
 * was there then. A rejected record was there too.
 */
export async function countGone(loading: Loading): Promise<GoneCount> {
  const { warehouse, file, batch } = loading;
  const from = await lastComplete(warehouse, file.entity, batch);
  const columns = loading.contract.key.map((_, i) => `key_${i}`);
  const { rows } = await warehouse.query(
    `with sightings as (${sightings(loading)}),
     before as (
       select distinct ${columns.join(', ')} from sightings
       where (${isBefore(batch)})${from === undefined ? '' : ` and not (${isBefore(from)})`}
         and ${columns.map((column) => `${column} is not null`).join(' and ')}
     ),
     present as (select distinct ${columns.join(', ')}, true as is_present from sightings where _batch_seq = ${batch.seq})
     select count(*), count(*) - count(is_present) from before left join present using (${columns.join(', ')})`,
    { entity: file.entity },
  );
  const [known = 0, gone = 0] = (rows[0] ?? []).map(Number);
  return { known, gone };
}

/** The keys of all records of the entity, with the order of their batches. */
function sightings({ file, contract, ...loading }: Loading): string {
  const types = new Map(contract.record.fields);
  const keys = contract.key.map((name, i) => {
    const type = types.get(name);
    if (type === undefined) throw new TypeError(`The key ${name} of ${file.entity} is no property.`);
    return { loaded: `${quoteIdentifier(name)} as key_${i}`, rejected: `${inText(name, sqlType(type))} as key_${i}` };
  });
  return `select ${keys.map(({ loaded }) => loaded).join(', ')}, _dropped_on, _batch_seq
      from ${tableOf({ file, contract, ...loading })}
      union all
      select ${keys.map(({ rejected }) => rejected).join(', ')}, _dropped_on, _batch_seq
      from raw.rejected_records where entity = $entity`;
}

/** A property of a rejected record, as far as it can be read. */
function inText(property: string, type: string): string {
  const pointer = `/${property.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  return `try_cast(try(json_extract_string(record, ${quoteLiteral(pointer)})) as ${type})`;
}

type Place = Pick<Loading['batch'], 'seq' | 'droppedOn'>;

/** Whether a row's batch comes before another one. Written out, because DuckDB can't compare rows with BETWEEN. */
function isBefore({ seq, droppedOn }: Place): string {
  const day = `date ${quoteLiteral(droppedOn)}`;
  return `_dropped_on < ${day} or (_dropped_on = ${day} and _batch_seq < ${seq})`;
}

/** The last complete batch of an entity before another one. */
async function lastComplete(warehouse: DuckDbWarehouse, entity: string, batch: Place): Promise<Place | undefined> {
  const { rows } = await warehouse.query(
    `with complete as (
       select b.dropped_on as _dropped_on, b.batch_seq as _batch_seq
       from raw.batches as b inner join raw.loaded_files as f using (batch_id)
       where f.entity = $entity and f.is_complete
     )
     select _dropped_on::varchar, _batch_seq from complete where ${isBefore(batch)}
     order by _dropped_on desc, _batch_seq desc limit 1`,
    { entity },
  );
  const [row] = rows;
  return row === undefined ? undefined : { droppedOn: String(row[0]), seq: Number(row[1]) };
}
