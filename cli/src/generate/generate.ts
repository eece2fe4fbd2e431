import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Effects } from '../config/effects.ts';
import { InterruptedError } from '../config/errors.ts';
import { MANIFEST } from '../ingest/manifest.ts';
import { writeCell } from './cell-writer.ts';
import {
  closeStagingFolder,
  inspect,
  isComplete,
  openStagingFolder,
  putInPlace,
  refusal,
} from './output/data-folder.ts';
import { Drops, ENTITIES, folderOf } from './output/drops.ts';
import type { Marker } from './output/marker.ts';
import { DROP_WITHOUT_VENUES } from './world/changes.ts';
import { cellsOf, type WorldOptions } from './world/world.ts';

/** Increment whenever the same options give other bytes. */
export const GENERATOR_VERSION = 3;

export interface GenerateOptions extends WorldOptions {
  /** The folder to write to. */
  readonly out: string;
}

/** Writes a data set, or reports that it already exists. */
export async function generate(
  options: GenerateOptions,
  effects: Effects,
): Promise<{ status: 'generated' | 'unchanged'; marker: Marker }> {
  const earlier = await inspect(options.out);
  if (earlier.kind === 'ours' && isSame(earlier.marker, options) && (await isComplete(options.out, earlier.marker))) {
    return { status: 'unchanged', marker: earlier.marker };
  }
  return { status: 'generated', marker: await write(options, effects) };
}

function isSame(marker: Marker, { seed, scale, days }: WorldOptions): boolean {
  return marker.version === GENERATOR_VERSION && marker.seed === seed && marker.scale === scale && marker.days === days;
}

async function write(options: GenerateOptions, effects: Effects): Promise<Marker> {
  const staging = await openStagingFolder(options.out, effects.clock);
  try {
    const marker = await fill(staging, options, effects);
    // Inspect again, because files may have been added while the data was generated.
    const earlier = await inspect(options.out);
    await putInPlace(options.out, staging, marker, earlier);
    return marker;
  } catch (error) {
    throw refusal(options.out, error);
  } finally {
    await closeStagingFolder(staging);
  }
}

async function fill(staging: string, options: GenerateOptions, effects: Effects): Promise<Marker> {
  const { seed, scale, days } = options;
  const drops = new Drops(staging, days, leftOut(days));
  const totals = { memberships: 0, rsvps: 0 };
  const cells = cellsOf(options);
  for (const cell of cells) {
    await writeCell(cell, drops, totals, async (done) => {
      const percent = Math.floor((100 * (cell.index + done)) / cells.length);
      effects.reporter.progress(`Generating sample data: ${percent}%`);
      await setImmediate();
      if (effects.signal.aborted) throw new InterruptedError();
    });
  }
  const files = drops.close().flatMap(({ folder, files: written, manifest }) => {
    const at = (name: string): string => join(folder, name).replaceAll('\\', '/');
    const data = ENTITIES.flatMap((entity) => {
      const file = written[entity];
      return file === undefined ? [] : [{ path: at(`${entity}.json`), ...file }];
    });
    return manifest === undefined ? data : [...data, { path: at(MANIFEST), ...manifest }];
  });
  return { madeBy: 'meetup generate', version: GENERATOR_VERSION, seed, scale, days, ...totals, files };
}

/** Real drops don't always have all four files, so one lacks venues.json. */
function leftOut(days: number): ReadonlySet<string> {
  return new Set(days <= DROP_WITHOUT_VENUES ? [] : [`${folderOf(DROP_WITHOUT_VENUES)}/venues.json`]);
}
