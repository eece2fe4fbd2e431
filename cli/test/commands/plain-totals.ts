import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Contracts, Validator } from '../../src/ingest/schemas.ts';

/*
 * Computes the totals of the marts a second time, directly from the JSON files and in plain JavaScript: no SQL, no dbt, and none
 * of the project's models. It follows the rules in docs/models.md.
 */

interface Rsvp {
  user_id: number;
  when: number;
  response: 'yes' | 'no' | 'waitlist';
  guests?: number | null;
}
interface EventRecord {
  group_id: number;
  created: number;
  time: number;
  status?: string | null;
  rsvps?: Rsvp[] | null;
}
interface UserRecord {
  user_id: number;
  memberships?: { joined: number; group_id: number }[] | null;
}
interface Placed<T> {
  drop: string;
  index: number;
  record: T;
}

export interface PlainTotals {
  events: number;
  rsvps: number;
  memberships: number;
  /** Seats of yes answers over all events, by group. */
  yesSeats: Map<number, number>;
  /** The user ids of the members, by group. */
  members: Map<number, Set<number>>;
}

/** Totals of a data folder with a dump and daily drops. */
export function plainTotals(data: string, contracts: Contracts): PlainTotals {
  const events = latestEvents(readAll<EventRecord>(data, 'events', contracts.get('events')?.validate));
  const totals: PlainTotals = {
    events: events.length,
    rsvps: 0,
    memberships: 0,
    yesSeats: new Map(),
    members: new Map(),
  };
  for (const event of events) {
    for (const rsvp of latestAnswers(event.rsvps ?? [])) {
      totals.rsvps += 1;
      const seats = rsvp.response === 'yes' ? 1 + (rsvp.guests ?? 0) : 0;
      totals.yesSeats.set(event.group_id, (totals.yesSeats.get(event.group_id) ?? 0) + seats);
    }
  }
  const users = new Map<number, UserRecord>();
  for (const { record } of readAll<UserRecord>(data, 'users', contracts.get('users')?.validate)) {
    const memberships = record.memberships ?? users.get(record.user_id)?.memberships ?? null;
    users.set(record.user_id, { ...record, memberships });
  }
  for (const user of users.values()) {
    for (const groupId of new Set((user.memberships ?? []).map((membership) => membership.group_id))) {
      totals.memberships += 1;
      totals.members.set(groupId, (totals.members.get(groupId) ?? new Set()).add(user.user_id));
    }
  }
  return totals;
}

/** Every record that passes validation, oldest first: the dump, then the daily drops. */
function readAll<T>(data: string, entity: string, validate: Validator | undefined): Placed<T>[] {
  const days = readdirSync(data).filter((name) => /^\d{4}-\d{2}-\d{2}$/.test(name));
  return ['', ...days.sort()].flatMap((drop) => {
    const name = readdirSync(join(data, drop)).find((file) => file === `${entity}.json`);
    if (name === undefined) return [];
    const records: unknown = JSON.parse(readFileSync(join(data, drop, name), 'utf8'));
    if (!Array.isArray(records)) throw new TypeError(`${name} is not an array`);
    return records.flatMap((record: T, index) =>
      validate?.({ text: JSON.stringify(record), value: record }).length === 0 ? [{ drop, index, record }] : [],
    );
  });
}

/**
 * The identity rule: a series is one event until one drop contains two of its starts, or a new start after the last one was over. From
 * then on, each start is an event of its own.
 */
function latestEvents(versions: readonly Placed<EventRecord>[]): EventRecord[] {
  const series = new Map<string, Placed<EventRecord>[]>();
  for (const version of versions) {
    const key = `${version.record.group_id} ${version.record.created}`;
    series.set(key, [...(series.get(key) ?? []), version]);
  }
  return [...series.values()].flatMap((members) => [...eventsOfSeries(members).values()]);
}

function eventsOfSeries(versions: readonly Placed<EventRecord>[]): Map<string, EventRecord> {
  const latest = new Map<string, EventRecord>();
  /** A record without the list says nothing about it, so the previous list remains valid. */
  const keep = (key: string, record: EventRecord): void => {
    latest.set(key, { ...record, rsvps: record.rsvps ?? latest.get(key)?.rsvps ?? null });
  };
  const drops = [...new Set(versions.map(({ drop }) => drop))];
  const starts = (drop: string): Set<number> =>
    new Set(versions.filter((v) => v.drop === drop).map((v) => v.record.time));
  const recurringFrom = drops.findIndex((drop, i) => {
    const [last] = starts(drops[i - 1] ?? '');
    const isOver = i > 0 && last !== undefined && last < Date.parse(drop);
    return starts(drop).size > 1 || (isOver && !starts(drop).has(last));
  });
  let lastBefore: number | undefined;
  let anchor: number | undefined;
  for (const { drop, record } of versions) {
    const isBefore = recurringFrom === -1 || drops.indexOf(drop) < recurringFrom;
    if (isBefore) {
      anchor ??= record.time;
      lastBefore = record.time;
      keep('anchored', record);
    } else {
      keep(anchor !== undefined && record.time === lastBefore ? 'anchored' : String(record.time), record);
    }
  }
  return latest;
}

/** One answer per member: the latest one, or of equally late ones the last in the list. */
function latestAnswers(rsvps: readonly Rsvp[]): Rsvp[] {
  const latest = new Map<number, Rsvp>();
  for (const rsvp of rsvps) {
    const known = latest.get(rsvp.user_id);
    if (known === undefined || rsvp.when >= known.when) latest.set(rsvp.user_id, rsvp);
  }
  return [...latest.values()];
}
