import { Random } from '../chance/random.ts';
import { CITIES } from '../region/cities.ts';
import { THEMES, type Theme } from '../region/themes.ts';
import type { Group } from './groups.ts';
import type { Meeting } from './schedule.ts';
import { type Cell, Stream } from './world.ts';

export interface EventText {
  readonly name: string;
  /** HTML; null is written as null, undefined is left out of the file. */
  readonly description: string | null | undefined;
}

const SERIES = [
  'Monthly meetup',
  'Hack night',
  'Open evening',
  'Lightning talks',
  'Study group',
  'Community night',
  'Coffee & code',
  'Show and tell',
  'Stammtisch',
  'Borrel',
] as const;
const FOOD = [
  'pizza',
  'broodjes',
  'frietjes',
  'vegetarian curry',
  'beer and bitterballen',
  'stroopwafels',
  'soup',
  'Vietnamese rolls',
] as const;
const EMOJI = ['🚀', '🎉', '🦀', '🐍', '🍕', '🔥', '👩‍💻', '🇳🇱', '☕', '🧠', '✨', '🌷'] as const;
const RIGHT_TO_LEFT = ['أمسية مفتوحة للمطورين', 'מפגש קהילה פתוח', 'شب برنامه‌نویسان'] as const;
const OPENINGS = [
  'Doors open half an hour before the first talk.',
  'We are back with an evening of talks and conversation.',
  'Newcomers are very welcome: nobody knows everything here.',
  'This time two speakers from the community take the stage.',
  'An evening without slides: bring your laptop and your questions.',
  'Deze avond is in het Engels, vragen mogen in het Nederlands.',
  'Our host opens the canteen for us, so please only RSVP if you really come.',
  'Der Vortrag ist auf Englisch, die Getränke sind kalt.',
] as const;
const CLOSINGS = [
  'Can’t make it after all? Please change your RSVP, there is a waiting list.',
  'Slides and recordings are shared afterwards.',
  'The entrance is around the corner; ring the second bell.',
  'Want to speak at a next one? Write to the organisers.',
  'By joining you agree to our code of conduct.',
  'Parking is hard, the station is five minutes away.',
] as const;
const SPEAKERS = [
  'Sanne de Vries',
  'Joris Bakker',
  'Ayşe Yılmaz',
  'Pieter-Jan Claes',
  'Nadia El Amrani',
  'Zoë Janssens',
  'Jürgen Weiß',
  'Priya Nair',
  'Mateusz Kowalski',
  'Femke Hoekstra',
  'Łukasz Nowak',
  'Chloé Dubois',
  'Tijmen van Dijk',
  'Olena Kovalenko',
] as const;

/** The name and description of a meeting; all meetings of a series share them. */
export function eventText(cell: Cell, group: Group, meeting: Meeting): EventText {
  const key = meeting.series === undefined ? meeting.number : -1 - meeting.series;
  const random = new Random(cell.seed, cell.index, Stream.event, group.index, key);
  const theme = THEMES[group.theme] ?? THEMES[0];
  const name =
    meeting.series === undefined ? talkName(random, theme, group, meeting) : seriesName(random, theme, group);
  return { name, description: description(random, theme) };
}

function talkName(random: Random, theme: Theme, group: Group, meeting: Meeting): string {
  const talk = random.pick(theme.talks);
  const drawn = random.next();
  if (drawn < 0.4) return talk;
  if (drawn < 0.55) return `${talk} + ${random.pick(theme.talks)}`;
  if (drawn < 0.7) return `#${meeting.number + 1}: ${talk}`;
  if (drawn < 0.8) return `${group.name}: ${talk}`;
  if (drawn < 0.88) return `${talk} & drinks`;
  if (drawn < 0.95) return `${talk} ${random.pick(EMOJI)}`;
  if (drawn < 0.953) return random.pick(RIGHT_TO_LEFT);
  return `${random.pick(theme.stems)} @ ${CITIES[group.city]?.name ?? ''}: "${talk}"`;
}

function seriesName(random: Random, theme: Theme, group: Group): string {
  const name = random.pick(SERIES);
  const drawn = random.next();
  if (drawn < 0.3) return name;
  if (drawn < 0.6) return `${random.pick(theme.stems)} ${name.toLowerCase()}`;
  if (drawn < 0.85) return `${group.name}: ${name.toLowerCase()}`;
  return `${name} ${random.pick(EMOJI)}`;
}

function description(random: Random, theme: Theme): string | null | undefined {
  const drawn = random.next();
  if (drawn < 0.14) return undefined;
  if (drawn < 0.18) return null;
  if (drawn < 0.19) return '';
  const parts = [`<p>${random.pick(OPENINGS)}</p>`];
  if (random.chance(0.7))
    parts.push(
      `<p><b>Programme</b></p> <ul> <li>18:00 ${random.pick(FOOD)}</li> ${talk(random, theme)}${random.chance(0.5) ? ` ${talk(random, theme)}` : ''} <li>20:45 Drinks</li> </ul>`,
    );
  else
    parts.push(
      `<p>We talk about <i>${random.pick(theme.topics)}</i> &amp; ${random.pick(theme.topics)}.<br/>There will be ${random.pick(FOOD)}.</p>`,
    );
  if (random.chance(0.25))
    parts.push(
      `<p><img src="https://secure.meetupstatic.com/photos/event/${random.below(16)}/${random.below(16)}/600_${100_000_000 + random.below(399_999_999)}.jpeg" /></p>`,
    );
  if (random.chance(0.15))
    parts.push(
      `<p><a href="https://example.org/${theme.key}?utm_source=meetup&amp;utm_medium=event" class="linkified">More about it</a> ${random.pick(EMOJI)}</p>`,
    );
  parts.push(`<p>${random.pick(CLOSINGS)}</p>`);
  return parts.join(random.chance(0.5) ? ' ' : '\n');
}

function talk(random: Random, theme: Theme): string {
  return `<li>${random.pick(SPEAKERS)}: ${random.pick(theme.talks)}</li>`;
}

const PURPOSES = [
  'share what they learn at work and at night',
  'meet once in a while and keep it practical',
  'have outgrown the tutorials',
  'want to hear how others really do it',
  'like to build things together',
  'are new to it, and for those who have done it for years',
] as const;

/** A group's description as HTML; undefined or null if it has none. */
export function groupDescription(cell: Cell, group: Group, version: number): string | null | undefined {
  const random = new Random(cell.seed, cell.index, Stream.group, group.index, 2);
  const drawn = random.next();
  if (drawn < 0.03) return undefined;
  if (drawn < 0.05) return null;
  const theme = THEMES[group.theme] ?? THEMES[0];
  const where = CITIES[group.city]?.name ?? '';
  const text = [
    `<p>${group.name} is for people in and around ${where} who ${random.pick(PURPOSES)}.</p>`,
    `<p>Our subjects are <b>${group.topics.join('</b>, <b>')}</b>; a talk may well be about “${random.pick(theme.talks)}”. ${random.chance(0.2) ? random.pick(EMOJI) : ''}</p>`,
  ];
  if (random.chance(0.3)) text.push(`<p>Wij zijn er ook voor beginners. Kom langs!</p>`);
  if (random.chance(0.2))
    text.push(
      `<p>Follow us: <a href="https://example.org/${group.urlName}">example.org/${group.urlName}</a>&nbsp;</p>`,
    );
  if (version > 0) text.push(`<p>We look for hosts and speakers for our next season (${version}).</p>`);
  return text.join('\n');
}
