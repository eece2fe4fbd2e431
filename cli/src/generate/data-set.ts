import type { Effects } from '../config/effects.ts';
import { MeetupError } from '../config/errors.ts';
import { generate } from './generate.ts';
import { ENTITIES, type Entity } from './output/drops.ts';
import type { GeneratedFile } from './output/marker.ts';
import { MOST_DAYS } from './world/world.ts';

export interface DataSetOptions {
  /** The folder to write to. */
  readonly out: string;
  /** 1 is about the size of the real data. */
  readonly scale: number;
  readonly seed: number;
  /** Daily drops after the dump. */
  readonly days: number;
}

export interface GenerateReport {
  readonly status: 'generated' | 'unchanged';
  readonly out: string;
  readonly scale: number;
  readonly seed: number;
  readonly days: number;
  /** The number of records in the dump. */
  readonly records: Readonly<Record<Entity, number>>;
  /** The number of memberships within the dump's users. */
  readonly memberships: number;
  readonly rsvps: number;
  /** One entry per day; files that the drop doesn't have are left out. */
  readonly drops: readonly { readonly folder: string; readonly records: Readonly<Partial<Record<Entity, number>>> }[];
  readonly bytes: number;
  readonly ms: number;
}

/**
 * Writes a realistic data set; the same options give the same bytes.
 * @throws MeetupError if the folder holds other data or can't be written.
 */
export async function generateDataSet(options: DataSetOptions, effects: Effects): Promise<GenerateReport> {
  if (options.days > MOST_DAYS) {
    throw new MeetupError(`--days takes at most ${MOST_DAYS}, but got ${options.days}.`);
  }
  const started = effects.clock.elapsed();
  const { status, marker } = await generate(options, effects);
  const folders = byFolder(marker.files);
  const dump = folders.get('') ?? {};
  return {
    status,
    out: options.out,
    scale: marker.scale,
    seed: marker.seed,
    days: marker.days,
    records: {
      groups: dump.groups ?? 0,
      users: dump.users ?? 0,
      events: dump.events ?? 0,
      venues: dump.venues ?? 0,
    },
    memberships: marker.memberships,
    rsvps: marker.rsvps,
    drops: [...folders].filter(([folder]) => folder !== '').map(([folder, records]) => ({ folder, records })),
    bytes: marker.files.reduce((sum, file) => sum + file.bytes, 0),
    ms: Math.round(effects.clock.elapsed() - started),
  };
}

function byFolder(files: readonly GeneratedFile[]): Map<string, Partial<Record<Entity, number>>> {
  const folders = new Map<string, Partial<Record<Entity, number>>>();
  for (const { path, records } of files) {
    const slash = path.indexOf('/');
    const folder = slash < 0 ? '' : path.slice(0, slash);
    const entity = ENTITIES.find((name) => path.endsWith(`${name}.json`));
    if (entity !== undefined) folders.set(folder, { ...folders.get(folder), [entity]: records });
  }
  return folders;
}
