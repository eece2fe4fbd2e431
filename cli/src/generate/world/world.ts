import { amsterdamInstant, dayNumber } from '../chance/calendar.ts';

/** The options that determine every byte. */
export interface WorldOptions {
  readonly seed: number;
  /** 1 is about the size of the real data: see docs/sample-data.md. */
  readonly scale: number;
  /** Daily drops after the dump. */
  readonly days: number;
}

/** Sizes at scale 1; docs/sample-data.md explains where they come from. */
const AT_SCALE_1 = { groups: 1500, people: 190_000, venues: 1600 } as const;

/** The first day of the history, and the day on which the dump is written, at midnight in Amsterdam. */
export const FIRST_DAY = dayNumber(2008, 3, 1);
export const DUMP_DAY = dayNumber(2026, 11, 1);
export const DUMPED_AT = amsterdamInstant(DUMP_DAY, 0);
/** The maximum number of drops. The world is always generated up to this day, however many drops are requested. */
export const MOST_DAYS = 366;
export const LAST_DAY = DUMP_DAY + MOST_DAYS;

/** Keys that distinguish the streams of random numbers. */
export const Stream = {
  people: 1,
  person: 2,
  groups: 3,
  group: 4,
  venues: 5,
  members: 6,
  schedule: 7,
  event: 8,
  rsvps: 9,
  joins: 10,
  changes: 11,
  venue: 12,
  vanishing: 13,
} as const;

/**
 * A part of the world that fits in memory: its groups, people and venues have no relations outside it. Up to scale 1 there is one
 * cell; scale 10 has ten, each generated, written and discarded in turn.
 */
export interface Cell {
  readonly seed: number;
  readonly index: number;
  /** The cell's size relative to scale 1. */
  readonly share: number;
  readonly groups: number;
  readonly people: number;
  readonly venues: number;
  /** The number of drops after the dump. */
  readonly days: number;
}

/** Splits the world into cells of equal size. */
export function cellsOf(options: WorldOptions): Cell[] {
  const count = Math.max(1, Math.ceil(options.scale - 1e-9));
  const share = options.scale / count;
  const sized = (atScale1: number, least: number): number => Math.max(least, Math.round(atScale1 * share));
  return Array.from({ length: count }, (_, index) => ({
    seed: options.seed,
    index,
    share,
    groups: sized(AT_SCALE_1.groups, 4),
    people: sized(AT_SCALE_1.people, 60),
    // More than a small world needs, so that one invalid record doesn't exceed load's limit.
    venues: sized(AT_SCALE_1.venues, 240),
    days: options.days,
  }));
}

/** The moment at which a drop is written: the midnight that ends its day. `drop` 0 is the dump itself. */
export function writtenAt(drop: number): number {
  return amsterdamInstant(DUMP_DAY + drop, 0);
}
