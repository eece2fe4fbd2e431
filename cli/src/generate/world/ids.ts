import { hashPair } from '../chance/random.ts';
import type { Cell } from './world.ts';

// Ids grow with gaps, as on a site where most records belong to other regions.

export function groupId(cell: Cell, index: number): number {
  return spread(1_200_000, 211, cell.index * cell.groups + index);
}

export function userId(cell: Cell, index: number): number {
  return spread(2_400_000, 13, cell.index * cell.people + index);
}

export function venueId(cell: Cell, index: number): number {
  return spread(800_000, 97, cell.index * cell.venues + index);
}

/** Unused ids for dangling references, between the ids in use. */
export const LOST_GROUP_ID = 1_000_001;
export const LOST_USER_ID = 2_000_003;
export const LOST_VENUE_ID = 700_007;

function spread(base: number, gap: number, position: number): number {
  return base + position * gap + (hashPair(base, position) % gap);
}
