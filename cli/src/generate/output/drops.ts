import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { MANIFEST } from '../../ingest/manifest.ts';
import { isoDate } from '../chance/calendar.ts';
import { COMPLETE_ENTITIES, isCompleteDrop } from '../world/vanishing.ts';
import { DUMP_DAY } from '../world/world.ts';
import { JsonArrayFile, type WrittenFile } from './json-array-file.ts';

export const ENTITIES = ['groups', 'users', 'events', 'venues'] as const;
export type Entity = (typeof ENTITIES)[number];

/** The dump's files are large; those of a day are small, and there may be many days. */
const DUMP_BUFFER = 1 << 20;
const DROP_BUFFER = 1 << 14;

/** The folder of a drop, relative to the data folder: '' for the dump, the day's date for drops from 1 on. */
export function folderOf(drop: number): string {
  return drop === 0 ? '' : isoDate(DUMP_DAY + drop - 1);
}

export interface DropFiles {
  readonly folder: string;
  /** Of a complete drop. */
  readonly manifest?: WrittenFile;
  readonly files: Readonly<Partial<Record<Entity, WrittenFile>>>;
}

/** The dump and its daily drops while they are being written. */
export class Drops {
  private readonly root: string;
  private readonly open: ReadonlyArray<Readonly<Record<Entity, JsonArrayFile>>>;
  private readonly without: ReadonlySet<string>;

  /** @param without files to leave out, such as `2026-11-03/venues.json`; their records are discarded. */
  constructor(root: string, days: number, without: ReadonlySet<string>) {
    this.root = root;
    this.without = without;
    this.open = Array.from({ length: days + 1 }, (_, drop) => {
      const folder = join(root, folderOf(drop));
      mkdirSync(folder, { recursive: true });
      const file = (entity: Entity): JsonArrayFile =>
        new JsonArrayFile(join(folder, `${entity}.json`), drop === 0 ? DUMP_BUFFER : DROP_BUFFER);
      return { groups: file('groups'), users: file('users'), events: file('events'), venues: file('venues') };
    });
  }

  add(drop: number, entity: Entity, record: string): void {
    if (drop > 0 && this.leavesOut(drop, entity)) return;
    this.open[drop]?.[entity].add(record);
  }

  close(): DropFiles[] {
    return this.open.map((files, drop) => {
      const kept = ENTITIES.filter((entity) => !this.leavesOut(drop, entity));
      return {
        folder: folderOf(drop),
        ...(isCompleteDrop(drop) ? { manifest: writeManifest(join(this.root, folderOf(drop), MANIFEST)) } : {}),
        files: Object.fromEntries(kept.map((entity) => [entity, files[entity].close()])),
      };
    });
  }

  private leavesOut(drop: number, entity: Entity): boolean {
    return this.without.has(`${folderOf(drop)}/${entity}.json`);
  }
}

function writeManifest(path: string): WrittenFile {
  const bytes = Buffer.from(`${JSON.stringify({ complete: COMPLETE_ENTITIES })}\n`);
  const file = openSync(path, 'wx');
  try {
    writeSync(file, bytes);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return { bytes: bytes.length, records: 0, sha256: createHash('sha256').update(bytes).digest('hex') };
}
