import { hash, Random } from '../chance/random.ts';
import { CITIES } from '../region/cities.ts';
import { COMMON_TOPICS } from '../region/themes.ts';
import { type Answers, Response } from '../world/answers.ts';
import type { Group } from '../world/groups.ts';
import { LOST_USER_ID, userId, venueId } from '../world/ids.ts';
import type { Memberships } from '../world/memberships.ts';
import { groupDescription } from '../world/texts.ts';
import type { Venue } from '../world/venues.ts';
import type { EventView } from '../world/views.ts';
import { type Cell, Stream } from '../world/world.ts';

// Records are written as JSON text by hand: JSON.stringify of whole records takes three times as long.

const quote = (text: string): string => JSON.stringify(text);

/** `"name":value,` for a value that may be null; nothing if it is undefined. */
function field(name: string, value: string | number | null | undefined): string {
  if (value === undefined) return '';
  return `"${name}":${typeof value === 'string' ? quote(value) : value},`;
}

function place(value: number, random: Random, spread: number): number {
  return Math.round((value + random.bell() * spread) * 10_000) / 10_000;
}

export function groupRecord(cell: Cell, group: Group, version: number): string {
  const random = new Random(cell.seed, cell.index, Stream.group, group.index, 3);
  const city = CITIES[group.city] ?? CITIES[0];
  const topics = [...group.topics];
  if (version > 0) topics.push(COMMON_TOPICS[(group.index + version) % COMMON_TOPICS.length] ?? 'Open Source');
  const lat = place(city.lat, random, 0.01);
  const lon = place(city.lon, random, 0.015);
  const odd = random.next();
  return [
    `{"group_id":${group.id},`,
    field('name', version > 1 ? `${group.name} ${version}.0` : group.name),
    field('description', groupDescription(cell, group, version)),
    field('link', odd > 0.985 ? undefined : `https://www.meetup.com/${group.urlName}/`),
    field('city', odd < 0.006 ? null : city.name),
    odd < 0.012 ? '' : `"lat":${lat},"lon":${lon},`,
    odd > 0.97 && odd < 0.975
      ? ''
      : `"topics":${odd > 0.96 && odd < 0.97 ? '[]' : JSON.stringify([...new Set(topics)])},`,
    `"created":${group.createdAt}}`,
  ].join('');
}

const COUNTRIES = ['gb', 'us', 'in', 'fr', 'es', 'pl', 'tr', 'br'] as const;
const HOMETOWNS = [
  'Amsterdam',
  'Rotterdam',
  'Utrecht',
  'Groningen',
  'Antwerpen',
  'Leeuwarden',
  'Köln',
  'Paris',
  'London',
  'Bengaluru',
  'São Paulo, Brasil',
  'İstanbul',
  'Kraków',
  'Αθήνα',
  'القاهرة',
  'תל אביב',
  '東京',
  'Москва',
  'Lagos',
  'here and there',
  'Earth 🌍',
  'Ljouwert / Leeuwarden',
  "'s-Gravenhage",
  'Curaçao',
  'Paramaribo',
  'Düsseldorf',
  'Brussels',
  'N/A',
  'Sevilla',
  'Buenos Aires',
] as const;

/** A person with the groups joined before `moment`. */
export function userRecord(
  cell: Cell,
  person: number,
  city: number,
  memberships: Memberships,
  groups: readonly Group[],
  moment: number,
): string {
  const from = memberships.start[person] ?? 0;
  const to = memberships.start[person + 1] ?? 0;
  let joined = '';
  for (let i = from; i < to; i += 1) {
    const at = memberships.joinedAt[i] ?? 0;
    if (at >= moment) break;
    joined += `${i === from ? '' : ','}{"joined":${at},"group_id":${groups[memberships.group[i] ?? 0]?.id}}`;
  }
  const bits = hash(cell.seed, cell.index, Stream.person, person);
  const home = CITIES[city] ?? CITIES[0];
  const abroad = bits % 61 === 0;
  const country = abroad ? (COUNTRIES[(bits >>> 8) % COUNTRIES.length] ?? 'gb') : home.country;
  const hometown = bits % 100 < 57 ? undefined : bits % 100 < 60 ? null : HOMETOWNS[(bits >>> 7) % HOMETOWNS.length];
  return (
    `{"user_id":${userId(cell, person)},` +
    field('city', bits % 211 === 0 ? undefined : home.name) +
    field('country', bits % 307 === 0 ? null : country) +
    field('hometown', hometown) +
    `"memberships":[${joined}]}`
  );
}

export function venueRecord(cell: Cell, venue: Venue, located: boolean): string {
  const random = new Random(cell.seed, cell.index, Stream.venue, venue.index);
  const city = CITIES[venue.city] ?? CITIES[0];
  const lat = place(city.lat, random, 0.015);
  const lon = place(city.lon, random, 0.02);
  return [
    `{"venue_id":${venueId(cell, venue.index)},`,
    field('name', venue.name),
    field('city', random.chance(0.01) ? undefined : city.name),
    field('country', random.chance(0.01) ? null : city.country),
    located ? `"lat":${lat},"lon":${lon}}` : '"lat":0,"lon":0}',
  ].join('');
}

export function eventRecord(cell: Cell, group: Group, view: EventView, answers: Answers): string {
  const { meeting } = view;
  const bits = hash(cell.seed, cell.index, Stream.event, group.index, meeting.number, 1);
  const venue = meeting.venue === undefined ? (bits % 3 === 0 ? null : undefined) : venueId(cell, meeting.venue.index);
  const limit = answers.limit ?? (bits % 2 === 0 ? null : undefined);
  const duration = bits % 13 === 0 ? undefined : bits % 97 === 0 ? null : meeting.duration;
  return (
    `{"group_id":${group.id},` +
    field('name', view.name) +
    field('description', view.description) +
    `"created":${meeting.createdAt},"time":${view.startsAt},` +
    field('duration', duration) +
    field('rsvp_limit', limit) +
    field('venue_id', venue) +
    `"status":"${view.status}",` +
    `"rsvps":[${rsvps(cell, answers)}]}`
  );
}

function rsvps(cell: Cell, answers: Answers): string {
  let text = '';
  for (let i = 0; i < answers.count; i += 1) {
    const flavour = answers.flavour[i] ?? 0;
    const response = answers.response[i] ?? 0;
    const name = response === Response.yes ? 'yes' : response === Response.waitlist ? 'waitlist' : 'no';
    const user = flavour % 4001 === 0 ? LOST_USER_ID + (flavour >>> 20) : userId(cell, answers.person[i] ?? 0);
    const when = answers.when[i] ?? 0;
    if (i > 0) text += ',';
    // An earlier answer of the same person, superseded by the next one.
    if (flavour % 997 === 1)
      text += `{"user_id":${user},"when":${when - 3_600_000},"response":"${response === Response.no ? 'yes' : 'no'}","guests":0},`;
    text += `{"user_id":${user},"when":${when},"response":"${name}"`;
    text += flavour % 503 === 2 ? '}' : `,"guests":${response === Response.no ? 0 : answers.guests[i]}}`;
  }
  return text;
}
