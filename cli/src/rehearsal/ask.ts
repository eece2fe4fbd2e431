import { connectDatabricks } from '../warehouse/databricks.ts';
import { connectionOf } from './connection-of.ts';
import type { RehearsalPlaces } from './places.ts';
import { tokenOf } from './running.ts';
import type { Running } from './supervisor/launch.ts';

/** Asks the rehearsal, as any client would, for the least there is. */
export async function answers(places: RehearsalPlaces, running: Running): Promise<boolean> {
  const token = await tokenOf(places);
  if (token === undefined) return false;
  try {
    const warehouse = await connectDatabricks({
      ...connectionOf(places, running, token).driver,
      timeoutMs: 60_000,
      attempts: 1,
    });
    try {
      const [row] = await warehouse.rows('select 1 as one');
      return row?.one === 1;
    } finally {
      await warehouse.close();
    }
  } catch {
    return false;
  }
}
