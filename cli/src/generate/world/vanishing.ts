import { hash } from '../chance/random.ts';
import { type Group, isAlwaysActive } from './groups.ts';
import type { Venue } from './venues.ts';
import { type Cell, MOST_DAYS, Stream } from './world.ts';

/** Once a week, a drop has all groups and venues. */
const DAYS_BETWEEN = 7;
/** One in this many groups or venues is deleted within a year. */
const GROUPS_A_YEAR = 30;
const VENUES_A_YEAR = 60;
/** With fewer groups, a single one is more than `load` lets a complete drop lack. */
const LEAST_GROUPS = 60;

/** The entities that a complete drop has all records of. */
export const COMPLETE_ENTITIES = ['groups', 'venues'] as const;

/** Whether a drop has all groups and venues, so that what it lacks is gone. The dump is drop 0. */
export const isCompleteDrop = (drop: number): boolean => drop > 0 && drop % DAYS_BETWEEN === 0;

/** Finds out with which complete drop groups and venues are gone. The first one lacks at least one of each, if they existed. */
export class Vanishing {
  private readonly cell: Cell;

  constructor(cell: Cell) {
    this.cell = cell;
  }

  /** The complete drop that lacks a group which the files had before, and after which nothing of it is written; Infinity if there is none. */
  ofGroup(group: Group): number {
    if (this.cell.groups < LEAST_GROUPS || isAlwaysActive(group)) return Number.POSITIVE_INFINITY;
    return this.dropOf(Stream.groups, group.index, this.cell.groups, GROUPS_A_YEAR);
  }

  /** The same of a venue. */
  ofVenue(venue: Venue): number {
    return this.dropOf(Stream.venues, venue.index, this.cell.venues, VENUES_A_YEAR);
  }

  private dropOf(stream: number, index: number, count: number, oneIn: number): number {
    const { seed, index: cell } = this.cell;
    const drawn = (...keys: readonly number[]): number => hash(seed, Stream.vanishing, stream, cell, ...keys);
    // Beyond the first few, which other rules single out.
    if (cell === 0 && index === 3 + (drawn() % (Math.min(count, LEAST_GROUPS) - 3))) return DAYS_BETWEEN;
    if (drawn(index, 0) % oneIn !== 0) return Number.POSITIVE_INFINITY;
    return DAYS_BETWEEN * (1 + (drawn(index, 1) % Math.floor(MOST_DAYS / DAYS_BETWEEN)));
  }
}
