import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { afterAll } from 'vitest';
import { run } from '../../../src/commands/generate.ts';
import { projectRoot } from '../../../src/config/paths.ts';
import { quietEffects } from '../../support/effects.ts';

export type Entity = 'groups' | 'users' | 'events' | 'venues';
export const ENTITIES: readonly Entity[] = ['groups', 'users', 'events', 'venues'];

export interface Group {
  group_id: number;
  name: string;
  description?: string | null;
  link?: string | null;
  city?: string | null;
  created: number;
  lat?: number | null;
  lon?: number | null;
  topics?: string[] | null;
}

export interface User {
  user_id: number;
  city?: string | null;
  country?: string | null;
  hometown?: string | null;
  memberships?: { joined: number; group_id: number }[] | null;
}

export interface Rsvp {
  user_id: number;
  when: number;
  response: 'yes' | 'no' | 'waitlist';
  guests?: number | null;
}

export interface Event {
  group_id: number;
  name: string;
  description?: string | null;
  created: number;
  time: number;
  duration?: number | null;
  rsvp_limit?: number | null;
  venue_id?: number | null;
  status?: string | null;
  rsvps?: Rsvp[] | null;
}

export interface Venue {
  venue_id: number;
  name?: string | null;
  city?: string | null;
  country?: string | null;
  lat?: number | null;
  lon?: number | null;
}

interface RecordOf {
  groups: Group;
  users: User;
  events: Event;
  venues: Venue;
}

/** A folder that is removed after the tests of a file. */
export async function sharedFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'meetup-generate-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Generates data into a folder that is removed after the tests of a file. */
export async function generated(options: { scale: number; seed?: number; days?: number }): Promise<DataSet> {
  const out = await sharedFolder();
  await run({ out, scale: options.scale, seed: options.seed ?? 1, days: options.days ?? 0 }, quietEffects());
  return new DataSet(out);
}

/** The files that `generate` wrote. Nothing here knows how they were generated. */
export class DataSet {
  private readonly parsed = new Map<string, unknown[]>();
  private readonly checked: { readonly [E in Entity]: Map<string, RecordOf[E][]> } = {
    groups: new Map(),
    users: new Map(),
    events: new Map(),
    venues: new Map(),
  };

  constructor(readonly folder: string) {}

  get days(): string[] {
    return readdirSync(this.folder)
      .filter((name) => /^\d{4}-\d{2}-\d{2}$/.test(name))
      .sort();
  }

  text(entity: Entity, day = ''): string {
    return readFileSync(join(this.folder, day, `${entity}.json`), 'utf8');
  }

  has(entity: Entity, day: string): boolean {
    return existsSync(join(this.folder, day, `${entity}.json`));
  }

  /** Every record of a file, including invalid ones. */
  all(entity: Entity, day = ''): unknown[] {
    const key = `${day}/${entity}`;
    const records: unknown[] = this.parsed.get(key) ?? JSON.parse(this.text(entity, day));
    this.parsed.set(key, records);
    return records;
  }

  /** The records that are valid according to the project's schemas. They are cached, so don't change them. */
  sound<E extends Entity>(entity: E, day = ''): RecordOf[E][] {
    const checked: Map<string, RecordOf[E][]> = this.checked[entity];
    const sound = checked.get(day) ?? this.all(entity, day).filter(schemaOf(entity));
    checked.set(day, sound);
    return sound;
  }
}

const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true });
addFormats.default(ajv);
// The project's own annotation, which does not affect validation.
ajv.addKeyword('x-meetup');
const schemas = new Map<Entity, ValidateFunction>();

/** The schema in data/schemas that `load` validates records with. */
export function schemaOf<E extends Entity>(entity: E): (record: unknown) => record is RecordOf[E] {
  const known = schemas.get(entity);
  const validate =
    known ??
    ajv.compile(JSON.parse(readFileSync(join(projectRoot, 'data', 'schemas', `${entity}.schema.json`), 'utf8')));
  schemas.set(entity, validate);
  return (record): record is RecordOf[E] => validate(record) === true;
}
