import { z } from 'zod';
import { MeetupError } from '../../config/errors.ts';
import { isNotThere } from '../../warehouse/databricks-errors.ts';
import type { Warehouse } from '../../warehouse/warehouse.ts';
import { nameOn, type Remote } from '../remote.ts';

const batchSchema = z.object({ id: z.string(), seq: z.coerce.number() });
/** A batch: its id is derived from its content, `seq` from the order of loading. */
export type Batch = z.infer<typeof batchSchema>;

/** The batches of the local database, in order. */
export async function localBatches(local: Warehouse): Promise<Batch[]> {
  const { rows } = await local.query('select batch_id, batch_seq from raw.batches order by batch_seq');
  return rows.map(([id, seq]) => batchSchema.parse({ id, seq }));
}

/** The batches of a target, in order; none if it has no raw tables. */
export async function remoteBatches(remote: Remote): Promise<Batch[]> {
  try {
    const rows = await remote.connection.rows(
      `select batch_id as id, batch_seq as seq from ${nameOn(remote, 'raw', 'batches')} order by batch_seq`,
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
  theirs.find(({ id, seq }, i) => ours[i]?.id !== id || ours[i]?.seq !== seq);

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
      : `batch ${strange.id} as number ${strange.seq}, which was loaded here as number ${known.seq}`;
  throw new MeetupError(
    `${target} holds ${what}: load the same drops in the same order here, or replace its raw tables with the local ones (--full-refresh).`,
  );
}
