import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Effects } from '../../src/config/effects.ts';
import type { Paths } from '../../src/config/paths.ts';
import { type LoadReport, load } from '../../src/ingest/load.ts';
import { quietEffects } from '../support/effects.ts';

export const group = (id: number, more: object = {}): object => ({
  group_id: id,
  name: `Group ${id}`,
  created: 1_300_000_000_000,
  ...more,
});
export const event = (more: object = {}): object => ({
  group_id: 1,
  name: 'Rust night',
  created: 1_700_000_000_000,
  time: 1_700_600_000_000,
  status: 'past',
  rsvps: [{ user_id: 1, when: 1_700_100_000_000, response: 'yes', guests: 0 }],
  ...more,
});

/** Writes a file into the data folder: records as a JSON array, text and bytes unchanged. */
export async function put(
  paths: Paths,
  name: string,
  content: readonly unknown[] | string | Uint8Array,
): Promise<void> {
  const file = join(paths.data, name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(
    file,
    typeof content === 'string' || content instanceof Uint8Array ? content : JSON.stringify(content),
  );
}

export async function loadAll(paths: Paths, maxRejected = 1, effects: Effects = quietEffects()): Promise<LoadReport> {
  return (await load({ paths, maxRejected }, effects)).report;
}

export { workRows as rowsOf } from '../support/rows.ts';
