import { messageOf } from '../config/errors.ts';
import { connectDatabricks } from '../warehouse/databricks.ts';
import { connectionOf } from './connection-of.ts';
import type { RehearsalPlaces } from './places.ts';
import { tokenOf } from './running.ts';
import type { Running } from './supervisor/launch.ts';

/** Whether the rehearsal answers a minimal request. */
export async function answers(places: RehearsalPlaces, running: Running): Promise<boolean> {
  return (await whyNoAnswer(places, running)) === undefined;
}

/** Sends the rehearsal a minimal request, as any client would. @returns what is wrong; undefined if it answers. */
export async function whyNoAnswer(places: RehearsalPlaces, running: Running): Promise<string | undefined> {
  try {
    const token = await tokenOf(places);
    if (token === undefined) return `there is no ${places.tokenFile}`;
    const warehouse = await connectDatabricks({
      ...connectionOf(places, running, token).driver,
      timeoutMs: 60_000,
      attempts: 1,
    });
    try {
      const [row] = await warehouse.rows('select 1 as one');
      return row?.one === 1 ? undefined : `select 1 returned ${row?.one}`;
    } finally {
      await warehouse.close();
    }
  } catch (error) {
    return messageOf(error);
  }
}
