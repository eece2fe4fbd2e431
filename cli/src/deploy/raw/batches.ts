import { z } from 'zod';
import { MeetupError } from '../../config/errors.ts';
import { isNotThere } from '../../warehouse/databricks-errors.ts';
import type { Warehouse } from '../../warehouse/warehouse.ts';
import { nameOn, type Remote } from '../remote.ts';

const batchSchema = z.object({ id: z.string(), seq: z.coerce.number(), loaded: z.coerce.number() });
/**
 * A batch: its id is derived from the content of its files, `seq` from the order of loading. `loaded` is how many of its records are
 * in the raw tables, which `load --retry-rejected` and `load --migrate` change.
 */
export type Batch = z.infer<typeof batchSchema>;

const batchesIn = (batches: string, files: string): string =>
  `select b.batch_id as id, b.batch_seq as seq, coalesce(sum(f.records_loaded), 0) as loaded
   from ${batches} as b left join ${files} as f on f.batch_id = b.batch_id
   group by b.batch_id, b.batch_seq order by b.batch_seq`;

/** The batches of the local database, in order. */
export async function localBatches(local: Warehouse): Promise<Batch[]> {
  const { rows } = await local.query(batchesIn('raw.batches', 'raw.loaded_files'));
  return rows.map(([id, seq, loaded]) => batchSchema.parse({ id, seq, loaded }));
}

/** The batches of a target, in order; none if it has no raw tables. */
export async function remoteBatches(remote: Remote): Promise<Batch[]> {
  try {
    const rows = await remote.connection.rows(
      batchesIn(nameOn(remote, 'raw', 'batches'), nameOn(remote, 'raw', 'loaded_files')),
    );
    return z.array(batchSchema).parse(rows);
  } catch (error) {
    if (isNotThere(error)) return [];
    throw error;
  }
}

/** Whether these batches are a prefix of the others, with the same numbers. */
export const isBeginning = (theirs: readonly Batch[], ours: readonly Batch[]): boolean =>
  firstMismatch(theirs, ours) === undefined;

const firstMismatch = (theirs: readonly Batch[], ours: readonly Batch[]): Batch | undefined =>
  theirs.find(({ id, seq, loaded }, i) => ours[i]?.id !== id || ours[i].seq !== seq || ours[i].loaded !== loaded);

/**
 * The batches that the target lacks. Raw tables only ever grow, in one order, so the target's must be a prefix of ours.
 * @throws MeetupError if they aren't.
 */
export function newBatches(ours: readonly Batch[], theirs: readonly Batch[], target: string): readonly Batch[] {
  const strange = firstMismatch(theirs, ours);
  if (strange === undefined) return ours.slice(theirs.length);
  const known = ours.find(({ id }) => id === strange.id);
  const what =
    known === undefined
      ? `batch ${strange.id} (number ${strange.seq}), which was never loaded here`
      : known.seq === strange.seq
        ? `${strange.loaded} records of batch ${strange.id}, of which ${known.loaded} are loaded here since records were retried or migrated`
        : `batch ${strange.id} as number ${strange.seq}, which was loaded here as number ${known.seq}`;
  if (known?.seq === strange.seq) {
    throw new MeetupError(`${target} holds ${what}: replace its raw tables with the local ones (--full-refresh).`);
  }
  throw new MeetupError(
    `${target} holds ${what}: load the same drops in the same order here, or replace its raw tables with the local ones (--full-refresh).`,
  );
}
