import { DAY, dayNumber } from '../chance/calendar.ts';
import { ln, power } from '../chance/exact-math.ts';
import { Random, Weighted } from '../chance/random.ts';
import { CITIES } from '../region/cities.ts';
import { COMMON_TOPICS, THEMES, type Theme } from '../region/themes.ts';
import { atWakingHour, yearlyFoundings } from './history.ts';
import { groupId } from './ids.ts';
import { type Cell, DUMP_DAY, LAST_DAY, Stream } from './world.ts';

export interface Group {
  readonly index: number;
  readonly id: number;
  readonly name: string;
  readonly urlName: string;
  readonly theme: number;
  readonly city: number;
  readonly topics: readonly string[];
  readonly createdAt: number;
  /** No meeting takes place after this moment. */
  readonly endsAt: number;
  /** The number of members it would reach by the end of the generated period. */
  readonly size: number;
  /** Days between meetings. */
  readonly cadence: number;
  /** Share of its meetings that belong to a recurring series. */
  readonly recurring: number;
}

/** A young group in each cell that meets often until the very end, so that even a small data set has news every day. */
const ALWAYS_ACTIVE = 0;
/** One in this many groups was deleted: others refer to it, but no file contains it. Deleted groups are small. */
const DELETED_EVERY = 500;

/** Whether a group holds meetings up to the last day, so that every data set has current ones. */
export const isAlwaysActive = (group: Group): boolean => group.index === ALWAYS_ACTIVE;

export function isDeleted(group: Group): boolean {
  return group.index % DELETED_EVERY === 2;
}

const MEMBERS_AT_SCALE_1 = 600_000;
/** Zipf–Mandelbrot: the group of rank r has about 1 / (r + OFFSET)^EXPONENT of the members. */
const EXPONENT = 0.95;
const OFFSET = 12;
/** The sum of that over the 1,500 ranks of scale 1. */
const RANKS_TOTAL = 6.19;

export function makeGroups(cell: Cell): Group[] {
  const random = new Random(cell.seed, cell.index, Stream.groups);
  const cities = new Weighted(CITIES.map(({ weight }) => weight));
  const themes = new Weighted(THEMES.map(({ weight }) => weight));
  const drafts = Array.from({ length: cell.groups }, (_, index) => draft(index, random, cities, themes));
  const ranked = [...drafts].sort((one, other) => other.appeal - one.appeal || one.index - other.index);
  const ranks = new Int32Array(drafts.length);
  ranked.forEach(({ index }, rank) => {
    ranks[index] = rank;
  });
  const taken = new Set<string>();
  return drafts.map((it) => found(cell, it, (ranks[it.index] ?? 0) / cell.share, taken));
}

interface Draft {
  readonly index: number;
  readonly theme: number;
  readonly city: number;
  readonly foundedOn: number;
  readonly appeal: number;
}

function draft(index: number, random: Random, cities: Weighted, themes: Weighted): Draft {
  const city = cities.draw(random);
  let foundedOn = yearlyFoundings.draw(random);
  let theme = themes.draw(random);
  // A theme doesn't suit founding years before it existed, and suits each year away from its peak less.
  for (let tries = 0; tries < 12 && !suits(THEMES[theme], foundedOn, random); tries += 1) {
    theme = themes.draw(random);
    foundedOn = yearlyFoundings.draw(random);
  }
  if (index === ALWAYS_ACTIVE) foundedOn = DUMP_DAY - 450;
  const age = Math.max(0.2, (LAST_DAY - foundedOn) / 365);
  const appeal = random.bell() + 0.35 * ln(CITIES[city]?.weight ?? 1) + 0.5 * ln(age);
  return { index, theme, city, foundedOn, appeal };
}

function suits(theme: Theme | undefined, day: number, random: Random): boolean {
  if (theme === undefined) return false;
  const years = (day - dayNumber(theme.peak, 1, 1)) / 365;
  if (day < dayNumber(theme.since, 1, 1)) return false;
  return random.chance(1 / (1 + (years * years) / (years > 0 ? 45 : 30)));
}

function found(cell: Cell, it: Draft, rank: number, taken: Set<string>): Group {
  const random = new Random(cell.seed, cell.index, Stream.group, it.index);
  const theme = THEMES[it.theme] ?? THEMES[0];
  const zipf = (MEMBERS_AT_SCALE_1 / RANKS_TOTAL) * power(rank + OFFSET, -EXPONENT);
  const drawn = Math.max(3, Math.round(zipf * random.skewed(0.3)));
  const size = it.index % DELETED_EVERY === 2 ? Math.min(drawn, 25) : drawn;
  const name = nameOf(random, theme, it.city, taken);
  const createdAt = Math.round(atWakingHour(it.foundedOn * DAY, random));
  const lives = (size > 400 ? 9 : 4) * random.skewed(0.8);
  const alwaysActive = it.index === ALWAYS_ACTIVE;
  return {
    index: it.index,
    id: groupId(cell, it.index),
    name,
    // Cells don't know each other's names, but URL names have to be unique.
    urlName: urlOf(name) + (cell.index === 0 ? '' : `-${cell.index + 1}`),
    theme: it.theme,
    city: it.city,
    topics: topicsOf(random, theme),
    createdAt,
    endsAt: alwaysActive ? LAST_DAY * DAY : createdAt + lives * 365 * DAY,
    size,
    cadence: alwaysActive ? 4 : cadenceOf(random, size),
    recurring: alwaysActive ? 0.3 : random.chance(0.4) ? random.between(0.5, 0.95) : random.between(0, 0.2),
  };
}

function cadenceOf(random: Random, size: number): number {
  const usual = size > 1500 ? 27 : size > 400 ? 38 : 60;
  const drawn = random.next();
  if (drawn < 0.03) return 7;
  if (drawn < 0.1) return 14;
  return usual * random.skewed(0.35);
}

function nameOf(random: Random, theme: Theme, city: number, taken: Set<string>): string {
  for (let tries = 0; ; tries += 1) {
    const stem = random.pick(theme.stems);
    const where = CITIES[city]?.name ?? 'Amsterdam';
    const name = nameLike(random, stem, where, CITIES[city]?.country ?? 'nl') + (tries > 6 ? ` ${tries - 5}` : '');
    if (taken.has(urlOf(name))) continue;
    taken.add(urlOf(name));
    return name;
  }
}

function nameLike(random: Random, stem: string, where: string, country: 'nl' | 'be' | 'de'): string {
  const land = { nl: 'Netherlands', be: 'Belgium', de: 'NRW' }[country];
  const people = { nl: 'Dutch', be: 'Belgian', de: 'Rhein-Ruhr' }[country];
  const drawn = random.next();
  if (drawn < 0.42) return `${where} ${stem}`;
  if (drawn < 0.62) return `${stem} ${where}`;
  if (drawn < 0.72) return `${where} ${stem} Meetup`;
  if (drawn < 0.8) return stem.endsWith('Group') ? `${people} ${stem}` : `${people} ${stem} Group`;
  if (drawn < 0.86) return `${stem} ${land}`;
  if (drawn < 0.9) return `${stem} & Friends ${where}`;
  if (drawn < 0.94) return `${stem} Borrel ${where}`;
  if (drawn < 0.97) return `The ${where} ${stem} Community`;
  return `${stem}@${where}`;
}

function urlOf(name: string): string {
  return name
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/[^A-Za-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}

function topicsOf(random: Random, theme: Theme): string[] {
  const topics = new Set<string>([theme.topics[0]]);
  const own = 2 + random.below(4);
  for (let i = 0; i < own; i += 1) topics.add(random.pick(theme.topics));
  const common = random.below(3);
  for (let i = 0; i < common; i += 1) topics.add(random.pick(COMMON_TOPICS));
  const near = THEMES.find(({ key }) => key === theme.near[random.below(theme.near.length)]);
  if (near !== undefined && random.chance(0.5)) topics.add(random.pick(near.topics));
  return [...topics];
}
